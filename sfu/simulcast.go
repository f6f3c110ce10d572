package sfu

import (
	"fmt"
	"slices"
	"strings"

	"earshot/sfu/forward"

	"github.com/pion/sdp/v3"
)

// maxRID is the most bytes of a layer's name that are accepted.
const maxRID = 16

// readLayers reads the simulcast layers of a line that publishes video (RFC
// 8853): only a plain list of sent layers, each declared by an a=rid without
// restrictions (RFC 8851).
func (l *line) readLayers(m *sdp.MediaDescription) error {
	simulcast, has := m.Attribute("simulcast")
	declared, err := readRIDs(m)
	if err != nil {
		return err
	}
	if !has && len(declared) == 0 {
		return nil
	}
	if l.role != roleCamera {
		return fmt.Errorf("simulcast is for sendonly video: offer one encoding here")
	}
	list, sends := strings.CutPrefix(simulcast, "send ")
	rids := strings.Split(list, ";")
	if !has || !sends || len(rids) > forward.MaxLayers {
		return fmt.Errorf("a=simulcast must be send with 1 to %d layers, the lowest first", forward.MaxLayers)
	}
	for i, rid := range rids {
		if !slices.Contains(declared, rid) || slices.Contains(rids[:i], rid) {
			return fmt.Errorf("a=simulcast names layer %q, which a=rid does not declare or which is named twice", shorten(rid))
		}
	}
	if len(rids) != len(declared) {
		return fmt.Errorf("a=rid declares layers that a=simulcast does not name")
	}
	if l.extensions[extMID] == 0 || l.extensions[extRID] == 0 {
		return fmt.Errorf("simulcast needs the header extensions %s and %s", sdp.SDESMidURI, sdp.SDESRTPStreamIDURI)
	}
	l.rids, l.ssrc, l.repairSSRC = rids, 0, 0
	return nil
}

func readRIDs(m *sdp.MediaDescription) ([]string, error) {
	var declared []string
	for _, a := range m.Attributes {
		if a.Key != "rid" {
			continue
		}
		rid, direction, _ := strings.Cut(a.Value, " ")
		if !token(rid, maxRID) || direction != "send" || len(declared) == forward.MaxLayers {
			return nil, fmt.Errorf("a=rid must be 1 to %d letters, digits, - or _ and send, at most %d of them", maxRID, forward.MaxLayers)
		}
		declared = append(declared, rid)
	}
	return declared, nil
}

// describeLayers writes what readLayers reads.
func (l *line) describeLayers(b *strings.Builder) {
	if len(l.rids) == 0 || !l.role.publishes() {
		return
	}
	fmt.Fprintf(b, "a=msid:%s %s\r\n", l.role.source(), l.role.source()) // pion ignores layers without
	for _, rid := range l.rids {
		fmt.Fprintf(b, "a=rid:%s send\r\n", rid)
	}
	fmt.Fprintf(b, "a=simulcast:send %s\r\n", strings.Join(l.rids, ";"))
}
