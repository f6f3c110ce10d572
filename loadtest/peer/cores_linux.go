package peer

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// allowed returns the cores this process may use, in order.
func allowed() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, err
	}
	var cores []int
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			cores = append(cores, i)
		}
	}
	return cores, nil
}

func only(cores ...int) *unix.CPUSet {
	set := &unix.CPUSet{}
	for _, c := range cores {
		set.Set(c)
	}
	return set
}

// onCore calls start with the thread on one core, which a process started
// there inherits; a negative core is any.
func onCore(core int, start func() error) error {
	if core < 0 {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	if err := unix.SchedSetaffinity(0, only(core)); err != nil {
		return fmt.Errorf("pin to core %d: %w", core, err)
	}
	defer unix.SchedSetaffinity(0, &before)
	return start()
}

// pinSelf puts all threads of this process on these cores. Threads that start
// later inherit it from those that start them.
func pinSelf(cores ...int) error {
	set := only(cores...)
	for range 2 { // a thread may begin while the first round goes on
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, t := range tasks {
			id, err := strconv.Atoi(t.Name())
			if err != nil {
				continue
			}
			if err := unix.SchedSetaffinity(id, set); err != nil && err != unix.ESRCH {
				return fmt.Errorf("pin thread %d: %w", id, err)
			}
		}
	}
	return nil
}

// prefer puts the autogroup of a process before those of others on the machine,
// or back to normal. Without it other work takes turns with a server, whatever
// its nice value: packets are then lost at a quarter of the CPU. It needs root.
func prefer(pid int, yes bool) error {
	value := "0"
	if yes {
		value = "-19"
	}
	return os.WriteFile(fmt.Sprintf("/proc/%d/autogroup", pid), []byte(value), 0)
}
