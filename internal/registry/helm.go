package registry

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/repourl"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// helmRepository is a Helm repository over HTTP. Its index is fetched again
// only when the server says, or its content shows, that it changed.
type helmRepository struct {
	repo     *repository
	index    *index
	etag     string
	modified string
	sum      [sha256.Size]byte
	stale    bool
	// digests are of archives that the index tells none of, by URL.
	digests map[string]string
}

func (h *helmRepository) close() {}

func (h *helmRepository) refresh(ctx context.Context) error {
	h.stale = true
	return h.load(ctx)
}

// maxIndex bounds an index: the largest public ones are at 30 MB.
const maxIndex = 100 << 20

// load makes sure that the index is there, and asks for news where it is stale.
func (h *helmRepository) load(ctx context.Context) error {
	if h.index != nil && !h.stale {
		return nil
	}
	auth, err := h.repo.registry.credentials.For(ctx, h.repo.base)
	if err != nil {
		return fmt.Errorf("find the credentials: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.repo.url+"/index.yaml", nil)
	if err != nil {
		return fault.Wrap(fault.Invalid, err)
	}
	if h.index != nil && h.etag != "" {
		req.Header.Set("If-None-Match", h.etag)
	}
	if h.index != nil && h.modified != "" {
		req.Header.Set("If-Modified-Since", h.modified)
	}
	data, header, err := h.get(req, auth, maxIndex)
	if err != nil {
		return err
	}
	if header != nil {
		sum := sha256.Sum256(data)
		if h.index == nil || sum != h.sum {
			parsed, err := parseIndex(data)
			if err != nil {
				return fault.Wrap(fault.Invalid, fmt.Errorf("read %s: %w", repourl.Redact(req.URL.String()), err))
			}
			h.index, h.sum = parsed, sum
		}
		h.etag, h.modified = header.Get("ETag"), header.Get("Last-Modified")
	}
	h.stale = false
	return nil
}

// get returns no header where the server says that nothing changed.
func (h *helmRepository) get(req *http.Request, auth Auth, limit int64) ([]byte, http.Header, error) {
	transport, err := auth.transport()
	if err != nil {
		return nil, nil, err
	}
	defer transport.CloseIdleConnections() // the next question comes in minutes
	return h.repo.registry.get(&http.Client{Transport: transport}, req, auth, limit)
}

func (h *helmRepository) resolve(ctx context.Context, q question) (found, error) {
	if err := h.load(ctx); err != nil {
		return found{}, err
	}
	entries := h.index.charts[q.chart]
	if len(entries) == 0 {
		return found{}, fault.New(fault.Missing, "the repository has no chart %s", q.chart)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Version
	}
	name, err := pick(names, q.revision, q.prefix, false)
	if err != nil {
		return found{}, err
	}
	for _, e := range entries {
		if e.Version != name {
			continue
		}
		if len(e.URLs) == 0 {
			return found{}, fault.New(fault.Invalid, "the repository's index tells no URL of chart %s %s", q.chart, name)
		}
		at, err := h.locate(e.URLs[0])
		if err != nil {
			return found{}, err
		}
		return found{
			commit: snapshot.Commit{SHA: name, Subject: "chart " + q.chart + " " + name, Time: e.Created.Time},
			digest: strings.TrimPrefix(e.Digest, "sha256:"), url: at, chart: true, pass: q.pass,
		}, nil
	}
	return found{}, fault.New(fault.Missing, "the repository has no chart %s %s", q.chart, name)
}

// locate makes a chart's URL absolute: it may be relative to the repository.
func (h *helmRepository) locate(raw string) (string, error) {
	base, err := url.Parse(h.repo.url + "/")
	if err != nil {
		return "", fault.Wrap(fault.Invalid, fmt.Errorf("the repository URL: %w", err))
	}
	at, err := base.Parse(raw)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, fmt.Errorf("the repository's index: a chart's URL: %w", err))
	}
	switch at.Scheme {
	case "http", "https", "oci":
	default:
		return "", fault.New(fault.Invalid, "the repository's index: charts are read over http, https or oci, not %s", at.Scheme)
	}
	if at.Host == base.Host && at.RawQuery == "" {
		at.RawQuery = base.RawQuery // some repositories carry a token there
	}
	return at.String(), nil
}

func (h *helmRepository) held(f found) *files {
	digest := f.digest
	if digest == "" || isOCI(f.url) {
		h.repo.mu.Lock()
		digest = h.digests[f.url]
		h.repo.mu.Unlock()
	}
	return h.repo.registry.open(digest, true)
}

func (h *helmRepository) fetch(ctx context.Context, f found) (*files, error) {
	if isOCI(f.url) {
		return h.fetchOCI(ctx, f)
	}
	auth, err := h.repo.registry.credentials.For(ctx, h.repo.base)
	if err != nil {
		return nil, fmt.Errorf("find the credentials: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, nil)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	if !auth.PassCredentials && !f.pass && !sameHost(h.repo.url, f.url) {
		auth.Username, auth.Password, auth.BearerToken, auth.ClientCert, auth.ClientKey = "", "", "", nil, nil
	}
	data, _, err := h.get(req, auth, maxArchive)
	if err != nil {
		return nil, err
	}
	digest := digestOf(data)
	if f.digest != "" && !strings.EqualFold(digest, f.digest) {
		return nil, fault.New(fault.Invalid, "get %s: its digest is sha256:%s, and the repository's index says sha256:%s", repourl.Redact(f.url), digest, f.digest)
	}
	h.note(f.url, digest)
	return h.repo.registry.keep(data, true)
}

// fetchOCI follows an index whose charts are in an OCI registry.
func (h *helmRepository) fetchOCI(ctx context.Context, f found) (*files, error) {
	name, tag, ok := cutTag(strings.TrimPrefix(f.url, "oci://"))
	if !ok {
		return nil, fault.New(fault.Invalid, "the repository's index: %s names no version", repourl.Redact(f.url))
	}
	remote := &repository{registry: h.repo.registry, base: "oci://" + name, url: "oci://" + name}
	if sameHost(h.repo.url, f.url) {
		remote.base = h.repo.base
	}
	o, err := newOCI(remote, name)
	if err != nil {
		return nil, err
	}
	defer o.close()
	o.chart = true
	at, err := o.resolve(ctx, question{chart: "-", revision: tag})
	if err != nil {
		return nil, err
	}
	files, err := o.fetch(ctx, at)
	if err == nil {
		h.note(f.url, o.archive(at))
	}
	return files, err
}

func (h *helmRepository) note(url, digest string) {
	h.repo.mu.Lock()
	defer h.repo.mu.Unlock()
	if h.digests == nil {
		h.digests = map[string]string{}
	}
	h.digests[url] = digest
}

func sameHost(a, b string) bool {
	left, errLeft := url.Parse(a)
	right, errRight := url.Parse(b)
	return errLeft == nil && errRight == nil && left.Scheme == right.Scheme && strings.EqualFold(left.Host, right.Host)
}

// cutTag takes the tag off a reference: the colon of a port is in an earlier part.
func cutTag(ref string) (name, tag string, ok bool) {
	slash := strings.LastIndex(ref, "/")
	colon := strings.LastIndex(ref, ":")
	if colon <= slash {
		return ref, "", false
	}
	return ref[:colon], ref[colon+1:], true
}
