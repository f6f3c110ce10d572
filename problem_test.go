package earshot

import (
	"errors"
	"testing"
)

func TestProblems(t *testing.T) {
	ps := Problems{
		{File: "a.yaml", Line: 3, Field: "name", Message: "is empty"},
		{File: "a.yaml", Field: "name", Message: "is empty"},
		{Line: 3, Field: "name", Message: "is empty"},
		{Line: 3, Message: "is empty"},
		{Message: "is empty"},
	}
	want := "a.yaml:3: name: is empty\na.yaml: name: is empty\nline 3: name: is empty\nline 3: is empty\nis empty"
	err := ps.AsError()
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	var back Problems
	if !errors.As(err, &back) || len(back) != len(ps) {
		t.Errorf("errors.As found %d problems, want %d", len(back), len(ps))
	}
	if err := (Problems)(nil).AsError(); err != nil {
		t.Errorf("none is %v, want no error", err)
	}
}
