package gateway

import (
	"testing"

	"earshot"
	"earshot/gateway/protocol"
)

// A session without media has no video slots whose size it could tell.
func TestViewNeedsMedia(t *testing.T) {
	t.Parallel()
	n := startNode(t, nil)
	g := n.guest("ada", nil)
	g.say(&protocol.View{Heights: []int{100}})
	if e := expect[*protocol.Error](g); e.Code != earshot.CodeFailedPrecondition || e.Ref != "r1" {
		t.Errorf("view without media: %+v, want failed_precondition", e)
	}
}
