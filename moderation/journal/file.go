package journal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"earshot"
	"earshot/moderation/lockfile"
)

// files keeps lines in numbered files of a folder. Each begins with a header
// that says which journal it is of and what came before.
type files struct {
	dir     string
	id      keyID
	maxFile int64

	mu    sync.Mutex // guards what follows, not the writing: one goroutine does that
	list  []numbered
	size  int64 // of the last
	err   error
	out   *os.File
	torn  int64 // bytes cut when it was opened
	first Head  // before the first line that is there
}

var _ medium = (*files)(nil)

// numbered is a file and what its header says.
type numbered struct {
	number int64
	header int64 // bytes
	before Head
}

var (
	filePattern   = regexp.MustCompile(`^journal-([0-9]{8})\.log$`)
	headerPattern = regexp.MustCompile(`^earshot-journal 1 ([a-z2-7]{26}) ([0-9]{1,8}) ([0-9]{1,19}) ([0-9a-f]{64})$`)
)

func fileName(number int64) string { return fmt.Sprintf("journal-%08d.log", number) }

func (f *files) path(number int64) string { return filepath.Join(f.dir, fileName(number)) }

func header(id keyID, number int64, before Head) []byte {
	name, _ := id.MarshalText()
	return fmt.Appendf(nil, "earshot-journal 1 %s %d %d %x\n", name, number, before.N, before.Sum)
}

// listFiles returns the numbers of the files of a journal, which have no gap.
func listFiles(dir string) (numbers []int64, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fileError(err)
	}
	for _, e := range entries { // sorted by name
		if m := filePattern.FindStringSubmatch(e.Name()); m != nil {
			n, _ := strconv.ParseInt(m[1], 10, 64)
			if len(numbers) > 0 && n != numbers[len(numbers)-1]+1 {
				return nil, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: %s is missing between others: put it back", filepath.Join(dir, fileName(numbers[len(numbers)-1]+1)))
			}
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// openFiles reads all that is there, calling do with each line, and makes the
// end fit for appending. With no file it returns nil: see beginFiles.
func openFiles(dir string, maxFile int64, do func(at place, body []byte, head Head) error) (*files, Head, error) {
	numbers, err := listFiles(dir)
	if err != nil || len(numbers) == 0 {
		return nil, Head{}, err
	}
	f := &files{dir: dir, maxFile: maxFile}
	var head Head
	var last end
	for i, number := range numbers {
		isLast := i == len(numbers)-1
		last, err = f.scan(number, i == 0, isLast, head, -1, do)
		if errors.Is(err, errNoHeader) && isLast { // a crash came while it was begun
			if err := os.Remove(f.path(number)); err != nil {
				return nil, head, fileError(err)
			}
			if i == 0 {
				return nil, head, nil
			}
			last = end{good: f.size, head: head}
			break
		}
		if err != nil {
			return nil, head, err
		}
		head = last.head
		f.size = last.good
	}
	return f, head, f.repair(last)
}

// beginFiles makes the first file.
func beginFiles(dir string, id keyID, maxFile int64) (*files, error) {
	f := &files{dir: dir, id: id, maxFile: maxFile}
	return f, f.begin(1, Head{})
}

var errNoHeader = errors.New("no header")

// scan reads one file. limit is how much of it; -1: all.
func (f *files) scan(number int64, isFirst, isLast bool, head Head, limit int64, do func(at place, body []byte, head Head) error) (end, error) {
	path := f.path(number)
	in, err := os.Open(path)
	if err != nil {
		return end{}, fileError(err)
	}
	defer in.Close()
	var src io.Reader = in
	if limit >= 0 {
		src = io.LimitReader(in, limit)
	}
	r := bufio.NewReaderSize(src, 64<<10)
	id, h, err := readHeader(r, path, number)
	if err != nil {
		return end{}, err
	}
	switch {
	case isFirst:
		f.id, f.first, head = id, h.before, h.before
	case id != f.id || h.before != head:
		return end{}, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: %s is broken at offset 0: it does not follow on the file before", path)
	}
	f.list = append(f.list, h)
	e, err := readLines(r, path, h.header, head, func(off int64, raw, body []byte, head Head) error {
		return do(place{number, off, len(raw)}, body, head)
	})
	if err == nil && !isLast && (e.torn > 0 || e.unended) {
		return e, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: %s is broken at offset %d: its end is missing", path, e.good)
	}
	return e, err
}

func readHeader(r *bufio.Reader, path string, number int64) (id keyID, h numbered, err error) {
	raw, err := readLine(r, nil)
	if err == io.EOF {
		return id, h, errNoHeader
	}
	if err != nil {
		return id, h, readError(err, path, 0)
	}
	m := headerPattern.FindSubmatch(raw)
	if m == nil || id.UnmarshalText(m[1]) != nil {
		return id, h, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: %s is broken at offset 0: this is no journal of this version", path)
	}
	h = numbered{header: int64(len(raw)) + 1}
	h.number, _ = strconv.ParseInt(string(m[2]), 10, 64)
	h.before.N, _ = strconv.ParseUint(string(m[3]), 10, 64)
	if err := h.before.Sum.UnmarshalText(m[4]); err != nil || h.number != number {
		return id, h, earshot.Errorf(earshot.CodeFailedPrecondition, "journal: %s is broken at offset 0: it says to be file %s", path, m[2])
	}
	return id, h, nil
}

// repair opens the last file for appending, without what a crash left.
func (f *files) repair(e end) error {
	out, err := os.OpenFile(f.path(f.list[len(f.list)-1].number), os.O_RDWR, 0)
	if err != nil {
		return fileError(err)
	}
	f.out, f.size, f.torn = out, e.good, e.torn
	err = out.Chmod(0o600)
	switch {
	case err != nil:
	case e.torn > 0:
		if err = out.Truncate(e.good); err == nil {
			err = out.Sync()
		}
	case e.unended:
		if _, err = out.WriteAt([]byte{'\n'}, e.good); err == nil {
			f.size++
			err = out.Sync()
		}
	}
	if err != nil {
		out.Close()
		return fileError(err)
	}
	return nil
}

// begin makes a file and appends to that from now on.
func (f *files) begin(number int64, before Head) error {
	out, err := os.OpenFile(f.path(number), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fileError(err)
	}
	h := header(f.id, number, before)
	if _, err = out.Write(h); err == nil {
		err = out.Sync()
	}
	if err == nil {
		err = lockfile.SyncFolder(f.dir)
	}
	if err != nil {
		out.Close()
		return fileError(errors.Join(err, os.Remove(f.path(number))))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.out != nil {
		f.out.Close() // all of it was synced
	}
	f.out, f.size = out, int64(len(h))
	f.list = append(f.list, numbered{number, int64(len(h)), before})
	return nil
}

func (f *files) append(line []byte, before Head) (place, error) {
	last := f.list[len(f.list)-1]
	if f.size > last.header && f.size+int64(len(line)) > f.maxFile {
		if err := f.begin(last.number+1, before); err != nil {
			return place{}, err
		}
		last = f.list[len(f.list)-1]
	}
	if _, err := f.out.WriteAt(line, f.size); err != nil {
		if undo := f.out.Truncate(f.size); undo != nil {
			f.fail(undo)
		}
		return place{}, fileError(err)
	}
	if err := f.out.Sync(); err != nil {
		f.fail(err) // what is on the disk now, nobody knows until it is read again
		return place{}, fileError(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	at := place{last.number, f.size, len(line) - 1}
	f.size += int64(len(line))
	return at, nil
}

func (f *files) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = earshot.Errorf(earshot.CodeUnavailable, "journal: %v: nothing more is written until the process was started again", err)
}

func (f *files) broken() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *files) read(at place) ([]byte, error) {
	in, err := os.Open(f.path(at.file))
	if err != nil {
		return nil, fileError(err)
	}
	defer in.Close()
	raw := make([]byte, at.size)
	if _, err := in.ReadAt(raw, at.off); err != nil {
		return nil, readError(err, f.path(at.file), at.off)
	}
	return raw, nil
}

func (f *files) walk(do func(at place, body []byte, head Head) error) (Head, error) {
	f.mu.Lock()
	list, size := slices.Clone(f.list), f.size
	f.mu.Unlock()
	again := &files{dir: f.dir}
	var head Head
	for i, h := range list {
		limit := int64(-1)
		if i == len(list)-1 {
			limit = size
		}
		e, err := again.scan(h.number, i == 0, false, head, limit, do)
		if err != nil {
			return head, err
		}
		head = e.head
	}
	return head, nil
}

func (f *files) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.out == nil {
		return nil
	}
	return f.out.Close()
}
