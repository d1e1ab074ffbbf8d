package rbac

import "slices"

// order sorts n roles so that each comes after those it inherits from, and returns the cycles that prevent it, one of
// each strongly connected group (Tarjan, 1972). Depth and width are bounded only by memory.
func order(parents [][]uint32) (sorted []uint32, cycles [][]uint32) {
	o := &ordering{parents: parents, visited: make([]uint32, len(parents)), low: make([]uint32, len(parents)), pending: make([]bool, len(parents))}
	for role := range parents {
		if o.visited[role] == 0 {
			o.visit(uint32(role))
		}
	}
	return o.sorted, o.cycles
}

type ordering struct {
	parents      [][]uint32
	visited, low []uint32 // counted from 1; 0 is unseen
	pending      []bool
	stack        []uint32
	count        uint32
	sorted       []uint32
	cycles       [][]uint32
}

// frame is one role whose parents are being visited; keeping frames in a slice spares the goroutine's stack.
type frame struct {
	role uint32
	next int // index of the parent to visit next
}

func (o *ordering) visit(root uint32) {
	frames := []frame{o.enter(root)}
	for len(frames) > 0 {
		f := &frames[len(frames)-1]
		if f.next < len(o.parents[f.role]) {
			parent := o.parents[f.role][f.next]
			f.next++
			if o.visited[parent] == 0 {
				frames = append(frames, o.enter(parent))
			} else if o.pending[parent] {
				o.low[f.role] = min(o.low[f.role], o.visited[parent])
			}
			continue
		}
		role := f.role
		frames = frames[:len(frames)-1]
		if len(frames) > 0 {
			child := frames[len(frames)-1].role
			o.low[child] = min(o.low[child], o.low[role])
		}
		if o.low[role] == o.visited[role] {
			o.finish(role)
		}
	}
}

func (o *ordering) enter(role uint32) frame {
	o.count++
	o.visited[role], o.low[role], o.pending[role] = o.count, o.count, true
	o.stack = append(o.stack, role)
	return frame{role: role}
}

// finish takes the group that role heads off the stack.
func (o *ordering) finish(role uint32) {
	start := len(o.stack) - 1
	for o.stack[start] != role {
		start--
	}
	group := o.stack[start:]
	o.stack = o.stack[:start]
	if len(group) > 1 || slices.Contains(o.parents[role], role) {
		o.cycles = append(o.cycles, o.cycle(group))
	}
	for _, member := range group {
		o.pending[member] = false
		o.sorted = append(o.sorted, member)
	}
}

// cycle walks inside the group, where every member inherits from another, until it comes to a role again. What it
// returns begins with the member that was declared first.
func (o *ordering) cycle(group []uint32) []uint32 {
	inside := make(map[uint32]int, len(group)) // member to its place on the walk, from 1
	for _, member := range group {
		inside[member] = 0
	}
	var walk []uint32
	for role := slices.Min(group); ; {
		if at := inside[role]; at > 0 {
			walk = walk[at-1:]
			break
		}
		walk = append(walk, role)
		inside[role] = len(walk)
		for _, parent := range o.parents[role] {
			if _, ok := inside[parent]; ok {
				role = parent
				break
			}
		}
	}
	first := slices.Index(walk, slices.Min(walk))
	return append(slices.Clone(walk[first:]), walk[:first]...)
}
