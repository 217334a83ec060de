package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/trueup-dev/trueup/internal/history"
)

// Client reads the history of an agent.
type Client struct {
	// Server is the agent's address, such as http://127.0.0.1:8082.
	Server string
	HTTP   *http.Client
}

var _ history.Reader = Client{}

// Runs implements history.Reader.
func (c Client) Runs(ctx context.Context, q history.Query) ([]history.Run, error) {
	return get[history.Run](ctx, c, q, "syncs")
}

// Drifts implements history.Reader.
func (c Client) Drifts(ctx context.Context, q history.Query) ([]history.Drift, error) {
	return get[history.Drift](ctx, c, q, "drift")
}

const maxAnswer = 64 << 20

func get[T any](ctx context.Context, c Client, q history.Query, what string) ([]T, error) {
	items, err := fetch[T](ctx, c, q, what)
	if err != nil {
		return nil, fmt.Errorf("ask the agent at %s for the %s of %s: %w", c.Server, what, q.App, err)
	}
	return items, nil
}

func fetch[T any](ctx context.Context, c Client, q history.Query, what string) ([]T, error) {
	base, err := url.Parse(c.Server)
	if err != nil {
		return nil, err
	}
	if base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("%q is not an address such as http://127.0.0.1:8082", c.Server)
	}
	namespace, name, _ := strings.Cut(q.App, "/")
	at := base.JoinPath("api/v1/applications", url.PathEscape(namespace), url.PathEscape(name), what)
	values := url.Values{"limit": {strconv.Itoa(q.Bounded())}}
	if q.Before > 0 {
		values.Set("before", strconv.FormatInt(q.Before, 10))
	}
	for name, value := range map[string]string{"kind": q.Kind, "object": q.Name, "path": q.Path, "manager": q.Manager, "user": q.User} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if !q.Since.IsZero() {
		values.Set("since", q.Since.UTC().Format(time.RFC3339Nano))
	}
	at.RawQuery = values.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		var f failure
		if json.Unmarshal(body, &f) != nil || f.Error == "" {
			return nil, fmt.Errorf("it answers %s", resp.Status)
		}
		return nil, fmt.Errorf("it answers %s: %s", resp.Status, f.Error)
	}
	var out list[T]
	if err := json.Unmarshal(body, &out); err != nil {
		return nil, fmt.Errorf("read its answer: %w", err)
	}
	return out.Items, nil
}
