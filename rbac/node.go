package rbac

// A node is one value of a policy file, of either syntax. Only what a policy can hold is told apart: everything that is
// neither text, a whole number, a list nor a map is refused where it stands.
type node struct {
	kind  nodeKind
	at    pos
	text  string // of text; of a number, its digits
	items []*node
	keys  []*node // of a map, beside items
}

type nodeKind uint8

const (
	textNode nodeKind = iota + 1
	numberNode
	otherNode // null, true, 1.5: nothing that a policy holds
	listNode
	mapNode
)

// what says what the node is, for a message.
func (n *node) what() string {
	switch n.kind {
	case textNode:
		return "text"
	case numberNode:
		return "a number"
	case listNode:
		return "a list"
	case mapNode:
		return "a map"
	case otherNode:
	}
	if n.text == "" || n.text == "~" || n.text == "null" {
		return "null"
	}
	return n.text + " (quote it to make it text)"
}

// maxDepth is how deep lists and maps may nest: a policy needs six levels.
const maxDepth = 16

// checkKeys reports keys that come twice and drops all but the first, once the map is whole.
func (n *node) checkKeys(ps *problems) {
	first := make(map[string]pos, len(n.keys))
	keys, items := n.keys[:0], n.items[:0]
	for i, key := range n.keys {
		if at, twice := first[key.text]; twice {
			ps.addf(key.at, "key %q is here for the second time; the first is at line %d", key.text, at.line)
			continue
		}
		first[key.text] = key.at
		keys, items = append(keys, key), append(items, n.items[i])
	}
	n.keys, n.items = keys, items
}
