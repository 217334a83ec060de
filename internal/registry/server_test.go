package registry_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	ociregistry "github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/trueup-dev/trueup/internal/registry"
)

const (
	user, password = "robot", "s3cret"
	helmLayer      = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

// packaged is a chart as Helm packages it, with its version in its values.
func packaged(t *testing.T, name, version string) []byte {
	t.Helper()
	c := &chart.Chart{
		Metadata:  &chart.Metadata{APIVersion: "v2", Name: name, Version: version},
		Raw:       []*chart.File{{Name: "values.yaml", Data: []byte("at: " + version + "\n")}},
		Templates: []*chart.File{{Name: "templates/cm.yaml", Data: []byte("kind: ConfigMap\n")}},
	}
	file, err := chartutil.Save(c, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// server counts requests, asks for a password, and can be switched off.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	asked    []string
	broken   bool
	handler  http.Handler
	password string
	token    string // taken in place of the password, where there is one
	auths    []string
}

func serve(t *testing.T, handler http.Handler, password string, tls bool) *server {
	t.Helper()
	s := &server{handler: handler, password: password}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // a refused handshake is what some tests are about
	if tls {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, req.Method+" "+req.URL.Path)
	s.auths = append(s.auths, req.Header.Get("Authorization"))
	broken := s.broken
	s.mu.Unlock()
	if broken {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if s.token != "" && req.Header.Get("Authorization") != "Bearer "+s.token {
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+s.URL+`/token",service="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if _, given, _ := req.BasicAuth(); s.token == "" && s.password != "" && given != s.password {
		w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.handler.ServeHTTP(w, req)
}

func (s *server) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

func (s *server) setBroken(broken bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = broken
}

func (s *server) ca() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

func (s *server) host() string {
	_, host, _ := strings.Cut(s.URL, "://")
	return host
}

// repo is a Helm repository.
type repo struct {
	mu          sync.Mutex
	files       map[string][]byte
	entries     []string
	notModified int
}

func (r *repo) add(name, version, url, digest string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, fmt.Sprintf("  - {name: %s, version: %q, digest: %q, urls: [%q], created: 2024-02-03T04:05:06Z, ignored: [{a: 1}]}\n", name, version, digest, url))
}

func (r *repo) put(name string, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.files == nil {
		r.files = map[string][]byte{}
	}
	r.files[name] = data
}

func (r *repo) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	data, ok := r.files[req.URL.Path]
	if req.URL.Path == "/charts/index.yaml" {
		data, ok = []byte("apiVersion: v1\nentries:\n  web:\n"+strings.Join(r.entries, "")), true
		tag := `"` + hexSum(data)[:8] + `"`
		w.Header().Set("ETag", tag)
		if req.Header.Get("If-None-Match") == tag {
			r.notModified++
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if !ok {
		http.NotFound(w, req)
		return
	}
	_, _ = w.Write(data)
}

// paged lists tags two at a time, as large registries do.
func paged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !strings.HasSuffix(req.URL.Path, "/tags/list") {
			next.ServeHTTP(w, req)
			return
		}
		from, _ := strconv.Atoi(req.URL.Query().Get("from"))
		all := httptest.NewRecorder()
		plain := req.Clone(req.Context())
		plain.URL.RawQuery = ""
		next.ServeHTTP(all, plain)
		var list struct {
			Name string   `json:"name"`
			Tags []string `json:"tags"`
		}
		if err := json.Unmarshal(all.Body.Bytes(), &list); err != nil || all.Code != http.StatusOK {
			w.WriteHeader(all.Code)
			_, _ = w.Write(all.Body.Bytes())
			return
		}
		to := min(from+2, len(list.Tags))
		if to < len(list.Tags) {
			w.Header().Set("Link", fmt.Sprintf(`<%s?from=%d>; rel="next"`, req.URL.Path, to))
		}
		list.Tags = list.Tags[from:to]
		_ = json.NewEncoder(w).Encode(list)
	})
}

func ociServer(t *testing.T) *server {
	t.Helper()
	return serve(t, paged(ociregistry.New(ociregistry.Logger(log.New(io.Discard, "", 0)))), password, true)
}

// push puts an artifact of these layers into a registry, and returns its digest.
func push(t *testing.T, s *server, name, tag string, layers ...layer) string {
	t.Helper()
	r, err := remote.NewRepository(s.host() + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	r.Client = &auth.Client{Client: s.Client(), Credential: auth.StaticCredential(s.host(), auth.Credential{Username: user, Password: password})}
	blob := func(mediaType string, data []byte) ocispec.Descriptor {
		desc := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
		if err := r.Push(t.Context(), desc, bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		return desc
	}
	manifest := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: blob("application/vnd.cncf.helm.config.v1+json", []byte("{}")),
	}
	for _, l := range layers {
		manifest.Layers = append(manifest.Layers, blob(l.mediaType, l.data))
	}
	data, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromBytes(data), Size: int64(len(data))}
	if err := r.PushReference(t.Context(), desc, bytes.NewReader(data), tag); err != nil {
		t.Fatal(err)
	}
	return desc.Digest.String()
}

type layer struct {
	mediaType string
	data      []byte
}

// archived is a gzipped tar of what the headers say.
func archived(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for _, h := range headers {
		content := h.Linkname
		if h.Typeflag == 0 {
			h.Typeflag, h.Linkname, h.Size = tar.TypeReg, "", int64(len(content))
		} else {
			content = ""
		}
		h.Mode = 0o600
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// file is an ordinary file for archived.
func file(name, content string) tar.Header { return tar.Header{Name: name, Linkname: content} }

type credentials map[string]registry.Auth

func (c credentials) For(_ context.Context, url string) (registry.Auth, error) { return c[url], nil }
