package gateway

import (
	"io"
	"net/http"
	"path"

	"earshot"
	"earshot/sfu/record/format"
)

// maxWishBytes bounds the body of a request to record.
const maxWishBytes = 64 << 10

// adminRecordings are the pages of recordings for the operator, who alone gets
// the files.
func (g *Gateway) adminRecordings(mux *http.ServeMux) {
	mux.HandleFunc("POST /v1/instances/{id}/recording", g.adminRecord)
	mux.HandleFunc("DELETE /v1/instances/{id}/recording", g.adminStopRecording)
	mux.HandleFunc("GET /v1/recordings", g.adminListRecordings)
	mux.HandleFunc("GET /v1/recordings/{id}", g.adminManifest)
	mux.HandleFunc("GET /v1/recordings/{id}/{file}", g.adminRecordedFile)
	mux.HandleFunc("DELETE /v1/recordings/{id}", g.adminEraseRecording)
}

// operator names who asks in the audit log: the listener asks for no name.
func operator(r *http.Request) string { return "operator at " + r.RemoteAddr }

func (g *Gateway) adminRecord(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWishBytes))
	if err != nil {
		adminError(w, invalid("the body has more than %d bytes", maxWishBytes))
		return
	}
	m, err := g.startRecording(earshot.InstanceID(r.PathValue("id")), operator(r), body)
	adminManifestReply(w, m, err)
}

func (g *Gateway) adminStopRecording(w http.ResponseWriter, r *http.Request) {
	m, err := g.stopRecording(earshot.InstanceID(r.PathValue("id")), operator(r))
	adminManifestReply(w, m, err)
}

func adminManifestReply(w http.ResponseWriter, m *format.Manifest, err error) {
	if err != nil {
		adminError(w, err)
		return
	}
	adminReply(w, m)
}

func (g *Gateway) adminListRecordings(w http.ResponseWriter, r *http.Request) {
	list, err := g.recordings("")
	if err != nil {
		adminError(w, err)
		return
	}
	adminReply(w, map[string]any{"recordings": list})
}

func (g *Gateway) adminManifest(w http.ResponseWriter, r *http.Request) {
	if g.deps.Recordings == nil {
		adminError(w, recordingOff)
		return
	}
	m, err := g.deps.Recordings.Get(r.PathValue("id"))
	adminManifestReply(w, m, err)
}

// recordedTypes are the media types of what a recording has.
var recordedTypes = map[string]string{
	".ogg": "audio/ogg", ".webm": "video/webm", ".mkv": "video/x-matroska", ".json": "application/json", ".log": "application/octet-stream",
}

func (g *Gateway) adminRecordedFile(w http.ResponseWriter, r *http.Request) {
	if g.deps.Recordings == nil {
		adminError(w, recordingOff)
		return
	}
	name := r.PathValue("file")
	f, err := g.deps.Recordings.Open(r.PathValue("id"), name, operator(r))
	if err != nil {
		adminError(w, err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		adminError(w, err)
		return
	}
	w.Header().Set("Content-Type", recordedTypes[path.Ext(name)])
	w.Header().Set("Cache-Control", "no-store")
	http.ServeContent(w, r, name, info.ModTime(), f)
}

func (g *Gateway) adminEraseRecording(w http.ResponseWriter, r *http.Request) {
	if g.deps.Recordings == nil {
		adminError(w, recordingOff)
		return
	}
	if err := g.deps.Recordings.Delete(r.PathValue("id"), operator(r)); err != nil {
		adminError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
