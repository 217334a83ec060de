package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// Media types of the layers that are read.
const (
	helmLayer       = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	helmProvenance  = "application/vnd.cncf.helm.chart.provenance.v1.prov"
	maxManifest     = 4 << 20
	maxTags         = 100_000
	tagsPerQuestion = 1000
)

// ociRepository is one repository of an OCI registry: of a chart, or of an
// artifact. Tokens are kept for as long as the credentials stay the same.
type ociRepository struct {
	repo      *repository
	reference registry.Reference
	chart     bool // reached by an index of charts

	client *auth.Client
	auth   Auth // what client was made for
	tags   []string

	mu        sync.Mutex // guards what follows
	transport *http.Transport
	layers    map[string]layer // by the manifest's digest
}

// layer is an archive in a registry.
type layer struct {
	digest string // of the archive, in hexadecimal
	chart  bool
}

func newOCI(r *repository, name string) (*ociRepository, error) {
	ref, err := registry.ParseReference(strings.ToLower(hostOf(name)) + name[len(hostOf(name)):])
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("the repository URL: %w", err))
	}
	if ref.Reference != "" {
		return nil, fault.New(fault.Invalid, "the repository URL names a version: %s belongs into targetRevision", ref.Reference)
	}
	return &ociRepository{repo: r, reference: ref, layers: map[string]layer{}}, nil
}

func hostOf(name string) string {
	host, _, _ := strings.Cut(name, "/")
	return host
}

func (o *ociRepository) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.transport != nil {
		o.transport.CloseIdleConnections()
	}
}

func (o *ociRepository) refresh(context.Context) error {
	o.tags = nil
	return nil
}

// connect makes what talks to the registry, with the credentials of now.
func (o *ociRepository) connect(ctx context.Context) (*remote.Repository, error) {
	a, err := o.repo.registry.credentials.For(ctx, o.repo.base)
	if err != nil {
		return nil, fmt.Errorf("find the credentials: %w", err)
	}
	if o.client == nil || !reflect.DeepEqual(o.auth, a) {
		o.close()
		transport, err := a.transport()
		if err != nil {
			return nil, err
		}
		o.mu.Lock()
		o.transport = transport
		o.mu.Unlock()
		o.client = &auth.Client{
			Client: &http.Client{Transport: transport}, Header: http.Header{"User-Agent": {o.repo.registry.userAgent}}, Cache: auth.NewCache(),
		}
		switch {
		case a.BearerToken != "":
			o.client.Credential = auth.StaticCredential(o.reference.Registry, auth.Credential{AccessToken: a.BearerToken})
		case a.Username != "" || a.Password != "":
			o.client.Credential = auth.StaticCredential(o.reference.Registry, auth.Credential{Username: a.Username, Password: a.Password})
		}
		o.auth = a
	}
	return &remote.Repository{
		Client: o.client, Reference: o.reference, PlainHTTP: a.PlainHTTP, TagListPageSize: tagsPerQuestion, SkipReferrersGC: true,
		ManifestMediaTypes: []string{ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex},
	}, nil
}

// tags are what a revision may be the name of, the first one that is there. A
// version is one with the prefix before it is one without.
func (q question) tags() []string {
	tag := q.revision
	if q.chart != "" {
		tag = strings.ReplaceAll(tag, "+", "_")
	}
	if q.prefix != "" && isExact(q.revision) {
		return []string{q.prefix + tag, tag}
	}
	return []string{tag}
}

var tagName = regexp.MustCompile(`^\w[\w.-]{0,127}$`)

func (o *ociRepository) resolve(ctx context.Context, q question) (found, error) {
	if strings.HasPrefix(q.revision, "sha256:") {
		if err := digest.Digest(q.revision).Validate(); err != nil {
			return found{}, fault.Wrap(fault.Invalid, fmt.Errorf("the digest %s: %w", q.revision, err))
		}
		return o.found(q, q.revision, q.revision), nil
	}
	remote, err := o.connect(ctx)
	if err != nil {
		return found{}, err
	}
	for _, tag := range q.tags() {
		if !tagName.MatchString(tag) {
			continue
		}
		desc, err := remote.Resolve(ctx, tag)
		if err == nil {
			return o.found(q, tag, desc.Digest.String()), nil
		}
		// A name that no range can be is a tag that is not there.
		if fault.Of(classify(err)) != fault.Missing || isExact(tag) {
			return found{}, fmt.Errorf("the tag %s: %w", tag, err)
		}
	}
	if err := o.list(ctx, remote); err != nil {
		return found{}, err
	}
	name, err := pick(o.tags, q.revision, q.prefix, true)
	if err != nil && q.revision == "" {
		name, err = pick(o.tags, "latest", "", true)
	}
	if err != nil {
		return found{}, err
	}
	desc, err := remote.Resolve(ctx, name)
	if err != nil {
		return found{}, fmt.Errorf("the tag %s: %w", name, err)
	}
	return o.found(q, name, desc.Digest.String()), nil
}

// found names what applications see: a chart's version, or an artifact's digest.
func (o *ociRepository) found(q question, tag, digest string) found {
	f := found{digest: digest, chart: q.chart != "" || o.chart}
	if f.chart {
		version := strings.ReplaceAll(tag, "_", "+")
		f.commit = snapshot.Commit{SHA: version, Subject: "chart " + q.chart + " " + version}
	} else {
		f.commit = snapshot.Commit{SHA: digest, Subject: "artifact " + o.reference.Repository + " " + tag}
	}
	return f
}

func (o *ociRepository) list(ctx context.Context, remote *remote.Repository) error {
	if o.tags != nil {
		return nil
	}
	tags := []string{}
	err := remote.Tags(ctx, "", func(page []string) error {
		if tags = append(tags, page...); len(tags) > maxTags {
			return fault.New(fault.Invalid, "the repository has more than %d tags; name one, or a digest", maxTags)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list the tags: %w", err)
	}
	o.tags = tags
	return nil
}

// archive is the digest of the archive that a manifest leads to; empty is not
// known.
func (o *ociRepository) archive(f found) string {
	l, ok := o.layer(f)
	if !ok {
		return ""
	}
	return l.digest
}

func (o *ociRepository) layer(f found) (layer, bool) {
	o.mu.Lock()
	l, ok := o.layers[f.digest]
	o.mu.Unlock()
	if ok {
		return l, true
	}
	raw := o.repo.registry.store.get(strings.TrimPrefix(f.digest, "sha256:"))
	if raw == nil {
		return layer{}, false
	}
	desc, err := pickLayer(raw, f.chart)
	if err != nil {
		return layer{}, false
	}
	return o.note(f, desc), true
}

func (o *ociRepository) note(f found, desc ocispec.Descriptor) layer {
	l := layer{desc.Digest.Encoded(), desc.MediaType == helmLayer}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.layers[f.digest] = l
	return l
}

func (o *ociRepository) held(f found) *files {
	l, ok := o.layer(f)
	if !ok {
		return nil
	}
	return o.repo.registry.open(l.digest, l.chart)
}

func (o *ociRepository) fetch(ctx context.Context, f found) (*files, error) {
	remote, err := o.connect(ctx)
	if err != nil {
		return nil, err
	}
	desc, err := remote.Resolve(ctx, f.digest)
	if err != nil {
		return nil, fmt.Errorf("the manifest %s: %w", f.digest, err)
	}
	if desc.Size > maxManifest {
		return nil, fault.New(fault.Invalid, "the manifest %s is larger than %d MiB", f.digest, maxManifest>>20)
	}
	raw, err := content.FetchAll(ctx, remote, desc)
	if err != nil {
		return nil, fmt.Errorf("get the manifest %s: %w", f.digest, err)
	}
	archive, err := pickLayer(raw, f.chart)
	if err != nil {
		return nil, fmt.Errorf("the manifest %s: %w", f.digest, err)
	}
	data, err := content.FetchAll(ctx, remote.Blobs(), archive) // checks size and digest
	if err != nil {
		return nil, fmt.Errorf("get the archive %s: %w", archive.Digest, err)
	}
	_ = o.repo.registry.store.put(raw) // it is fetched again, at worst
	l := o.note(f, archive)
	return o.repo.registry.keep(data, l.chart)
}

// pickLayer finds the one archive in a manifest.
func pickLayer(raw []byte, chart bool) (ocispec.Descriptor, error) {
	var manifest ocispec.Manifest
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return ocispec.Descriptor{}, fault.Wrap(fault.Invalid, fmt.Errorf("read it: %w", err))
	}
	if manifest.MediaType == ocispec.MediaTypeImageIndex {
		return ocispec.Descriptor{}, fault.New(fault.Invalid, "it is an index of several manifests; name the digest of one")
	}
	var layers []ocispec.Descriptor
	for _, l := range manifest.Layers {
		if l.MediaType != helmProvenance {
			layers = append(layers, l)
		}
	}
	if len(layers) != 1 {
		return ocispec.Descriptor{}, fault.New(fault.Invalid, "it has %d layers, and must have one", len(layers))
	}
	l := layers[0]
	switch {
	case l.MediaType == helmLayer:
	case !chart && (l.MediaType == ocispec.MediaTypeImageLayer || l.MediaType == ocispec.MediaTypeImageLayerGzip):
	case chart:
		return l, fault.New(fault.Invalid, "it is no chart: its layer is of type %s, not %s", l.MediaType, helmLayer)
	default:
		return l, fault.New(fault.Invalid, "its layer is of type %s; %s, %s and %s are read",
			l.MediaType, ocispec.MediaTypeImageLayer, ocispec.MediaTypeImageLayerGzip, helmLayer)
	}
	if l.Digest.Validate() != nil || l.Digest.Algorithm() != digest.SHA256 {
		return l, fault.New(fault.Invalid, "its layer has the digest %q, which is no SHA-256", l.Digest)
	}
	if l.Size < 0 || l.Size > maxArchive {
		return l, fault.New(fault.Invalid, "its layer is larger than %d MiB", maxArchive>>20)
	}
	return l, nil
}
