package persona

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"strings"
	"unicode"

	"earshot"
)

// Charx is a .charx file: a zip with card.json and what belongs to it.
type Charx struct {
	Card   *Card
	Assets []Asset // in the order of the file, folders left out
	cardAt int     // among the assets
}

// Asset is a file in a .charx. It is never interpreted and never written to a
// path by this package.
type Asset struct {
	Path   string // relative, with slashes, checked
	Data   []byte
	Stored bool // not compressed
}

const cardEntry = "card.json"

// ReadCharx unpacks a .charx in memory. It refuses paths that lead outside,
// links, encrypted entries, entries of the same name, and more than the limits
// of limits.go, which hold for what comes out, whatever the headers say. A zip
// that hides behind a picture is refused as well.
func ReadCharx(file []byte) (*Charx, error) {
	if len(file) > MaxCharx {
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, ".charx of %d bytes, at most %d are read", len(file), MaxCharx)
	}
	if !bytes.HasPrefix(file, []byte("PK")) {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "no .charx: does not begin as a zip")
	}
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if archive == nil || len(archive.File) == 0 {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "no .charx: not a readable zip (%v)", err)
	}
	if len(archive.File) > maxEntries {
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, ".charx of %d entries, at most %d are read", len(archive.File), maxEntries)
	}
	return unpack(archive, MaxUnpacked)
}

// unpack takes out at most left bytes.
func unpack(archive *zip.Reader, left int64) (*Charx, error) {
	x, seen := &Charx{}, map[string]bool{}
	for _, f := range archive.File {
		if err := checkEntry(f); err != nil {
			return nil, err
		}
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		folded := strings.ToLower(f.Name)
		if seen[folded] {
			return nil, earshot.Errorf(earshot.CodeInvalidArgument, ".charx has two entries %.64q", f.Name)
		}
		seen[folded] = true
		limit := min(left, maxEntrySize)
		if f.Name == cardEntry {
			limit = min(left, MaxCard)
		}
		data, err := unpackEntry(f, limit)
		if err != nil {
			return nil, err
		}
		left -= int64(len(data))
		if f.Name != cardEntry {
			x.Assets = append(x.Assets, Asset{Path: f.Name, Data: data, Stored: f.Method == zip.Store})
			continue
		}
		x.cardAt = len(x.Assets)
		if x.Card, err = ParseCard(data); err != nil {
			return nil, err
		}
	}
	if x.Card == nil {
		return nil, earshot.Errorf(earshot.CodeNotFound, ".charx without card.json")
	}
	return x, nil
}

func checkEntry(f *zip.File) error {
	mode := f.Mode()
	switch {
	case !safePath(strings.TrimSuffix(f.Name, "/")):
		return earshot.Errorf(earshot.CodeInvalidArgument, ".charx entry %.64q: not a path inside the file", f.Name)
	case f.Flags&1 != 0:
		return earshot.Errorf(earshot.CodeInvalidArgument, ".charx entry %.64q is encrypted", f.Name)
	case !mode.IsRegular() && !mode.IsDir():
		return earshot.Errorf(earshot.CodeInvalidArgument, ".charx entry %.64q is neither file nor folder", f.Name)
	}
	return nil
}

// safePath holds for names that are safe on any system: relative, without
// dots, drives, backslashes and control characters.
func safePath(name string) bool {
	strange := func(r rune) bool {
		return r == '\\' || r == ':' || r == unicode.ReplacementChar || unicode.IsControl(r)
	}
	return name != "." && len(name) <= maxEntryName && fs.ValidPath(name) && !strings.ContainsFunc(name, strange)
}

func unpackEntry(f *zip.File, limit int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, ".charx entry %.64q: %v", f.Name, err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case int64(len(data)) > limit:
		return nil, earshot.Errorf(earshot.CodeResourceExhausted, ".charx entry %.64q unpacks to more than %d bytes", f.Name, limit)
	case err != nil:
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, ".charx entry %.64q: %v", f.Name, err)
	}
	return data, nil
}

// Encode packs the card, which must be V3, and the assets. Equal input gives
// equal bytes: entries carry no times.
func (x *Charx) Encode() ([]byte, error) {
	if x.Card == nil || x.Card.version != CardV3 {
		return nil, earshot.Errorf(earshot.CodeInvalidArgument, "a .charx holds a card of version 3")
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	all := make([]Asset, 0, len(x.Assets)+1)
	at := min(x.cardAt, len(x.Assets))
	all = append(all, x.Assets[:at]...)
	all = append(all, Asset{Path: cardEntry, Data: x.Card.text})
	all = append(all, x.Assets[at:]...)
	for _, a := range all {
		if err := pack(w, a); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, earshot.Errorf(earshot.CodeInternal, "packing: %v", err)
	}
	return out.Bytes(), nil
}

func pack(w *zip.Writer, a Asset) error {
	if !safePath(a.Path) {
		return earshot.Errorf(earshot.CodeInvalidArgument, "asset %.64q: not a path inside the file", a.Path)
	}
	header := &zip.FileHeader{Name: a.Path, Method: zip.Deflate}
	if a.Stored {
		header.Method = zip.Store
	}
	f, err := w.CreateHeader(header)
	if err == nil {
		_, err = f.Write(a.Data)
	}
	if err != nil {
		return earshot.Errorf(earshot.CodeInternal, "packing %.64q: %v", a.Path, err)
	}
	return nil
}
