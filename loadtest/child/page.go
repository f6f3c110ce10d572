package child

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// pageFor is how long a page may take to come.
const pageFor = time.Second

// Page returns a check for Ready: whether there is a page at a URL.
func Page(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, pageFor)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return errors.New(res.Status)
		}
		return nil
	}
}
