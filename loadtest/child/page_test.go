package child

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestPage(t *testing.T) {
	status := http.StatusServiceUnavailable
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	check := Page(s.URL)
	if err := check(t.Context()); err == nil {
		t.Error("503 was taken for a page")
	}
	status = http.StatusOK
	if err := check(t.Context()); err != nil {
		t.Errorf("200: %v", err)
	}
	s.Close()
	if err := check(t.Context()); err == nil {
		t.Error("where nobody listens there is a page")
	}
}
