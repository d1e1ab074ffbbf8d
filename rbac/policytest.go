package rbac

import "fmt"

func (t *testEntry) title(i int) string {
	if t.name != "" {
		return fmt.Sprintf("%q", t.name)
	}
	return fmt.Sprintf("%d", i+1)
}
