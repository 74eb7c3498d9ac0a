package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/imagespec/imagespec/lockparse/index"
)

const (
	fetchTime  = time.Minute // for one page
	fetchTries = 3           // for a page that fails for a reason that may pass
)

// fetcher fetches pages of indexes. Proxies are those of the environment.
type fetcher struct {
	client *http.Client
	pause  time.Duration // before the second try, doubled for the third
}

func newFetcher() fetcher {
	return fetcher{client: &http.Client{Timeout: fetchTime}, pause: time.Second / 2}
}

// page gets a page; a server that is overloaded, and a connection that breaks,
// is tried again.
func (f fetcher) page(url string) (data []byte, err error) {
	pause := f.pause
	for try := 1; ; try++ {
		var again bool
		if data, again, err = f.once(url); err == nil || !again || try == fetchTries {
			return data, err
		}
		time.Sleep(pause)
		pause *= 2
	}
}

// once tries one time, and says whether another try may help.
func (f fetcher) once(url string) (data []byte, again bool, err error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("Accept", index.Accept)
	res, err := f.client.Do(req)
	if err != nil {
		return nil, true, err
	}
	if res.StatusCode != http.StatusOK {
		again = res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests
		return nil, again, errors.Join(index.StatusError(res.StatusCode), res.Body.Close())
	}
	data, err = io.ReadAll(io.LimitReader(res.Body, index.MaxBytes+1))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, true, fmt.Errorf("%s: %w", url, err)
	}
	return data, false, nil
}
