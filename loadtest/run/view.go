package run

import "fmt"

// lineEvery is how many steps lie between two lines where there is no terminal.
const lineEvery = 5

// view shows a run while it goes on.
type view struct {
	cfg  *Config
	term terminal
	last string // phase
}

func (r *Runner) newView() *view { return &view{cfg: &r.cfg, term: terminal{out: r.cfg.Live}} }

// show shows the state of step n.
func (v *view) show(s *State, n int) {
	switch {
	case v.cfg.Live == nil:
	case v.cfg.Terminal:
		v.term.draw(Screen(s, v.cfg.Width(), true))
	case n%lineEvery == 0 || s.Phase != v.last:
		fmt.Fprintln(v.cfg.Live, Line(s))
	}
	v.last = s.Phase
}

// end leaves the last picture where it is.
func (v *view) end() {
	if v.cfg.Live != nil && v.cfg.Terminal && v.term.drawn > 0 {
		fmt.Fprintln(v.cfg.Live)
	}
}
