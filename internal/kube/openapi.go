package kube

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"time"
	"weak"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	driftschema "github.com/trueup-dev/trueup/drift/schema"
	"github.com/trueup-dev/trueup/internal/fault"
)

// Bounds of what a cluster may send. The largest document of Kubernetes itself
// is that of the core group, 2 MB.
const (
	maxIndex    = 4 << 20
	maxDocument = 16 << 20
)

// openAPI knows the kinds that a cluster describes in its OpenAPI documents.
// It fetches those of the groups and versions that somebody asks for, and
// again only when the index gives another hash.
type openAPI struct {
	cluster   *Cluster
	shared    *Documents
	index     asked[struct{}, map[string]string] // path of a group and version -> URL
	documents asked[schema.GroupVersion, document]
}

// document is what one URL said.
type document struct {
	url   string
	kinds *driftschema.Set
}

func newOpenAPI(c *Cluster, shared *Documents) *openAPI {
	o := &openAPI{cluster: c, shared: shared}
	o.index = asked[struct{}, map[string]string]{ask: o.fetchIndex, start: c.tracker.start, now: time.Now}
	o.documents = asked[schema.GroupVersion, document]{ask: o.fetch, start: c.tracker.start, now: time.Now}
	return o
}

// How old an index may be. A kind that its document does not have may have come
// since; a document is as old as its hash.
const (
	indexAge   = 10 * time.Minute
	unknownAge = 30 * time.Second
	forever    = 1 << 62
)

// kinds are those of a group and version, as far as they are known: nil where
// the cluster does not tell.
func (o *openAPI) kinds(gvk schema.GroupVersionKind) *driftschema.Set {
	kinds := o.current(gvk.GroupVersion(), indexAge)
	if kinds.Kind(gvk) == nil {
		kinds = o.current(gvk.GroupVersion(), unknownAge)
	}
	return kinds
}

func (o *openAPI) current(gv schema.GroupVersion, age time.Duration) *driftschema.Set {
	index, _ := o.index.get(struct{}{}, age) // without a new one the last one counts
	at := index[pathOf(gv)]
	if at == "" {
		return nil
	}
	d, _ := o.documents.get(gv, forever)
	if d.url != at {
		d, _ = o.documents.get(gv, 0)
	}
	return d.kinds
}

// expire has the index read again at the next question.
func (o *openAPI) expire() { o.index.expire() }

func pathOf(gv schema.GroupVersion) string {
	if gv.Group == "" {
		return "api/" + gv.Version
	}
	return "apis/" + gv.String()
}

func (o *openAPI) fetch(ctx context.Context, gv schema.GroupVersion, last document) (document, error) {
	index, err := o.index.get(struct{}{}, indexAge)
	at := index[pathOf(gv)]
	if at == "" || at == last.url {
		return last, err
	}
	kinds, err := o.read(ctx, at)
	if err != nil {
		return last, fmt.Errorf("read the OpenAPI document of %s from cluster %s: %w", gv, o.cluster.name, err)
	}
	return document{at, kinds}, nil
}

func (o *openAPI) read(ctx context.Context, at string) (*driftschema.Set, error) {
	u, err := url.Parse(at)
	if err != nil || u.Host != "" || !strings.HasPrefix(u.Path, "/openapi/v3/") {
		return nil, fault.New(fault.Invalid, "the index names %q, which is no OpenAPI document", at)
	}
	hash := strings.ToUpper(u.Query().Get("hash"))
	if kinds := o.shared.get(hash); kinds != nil {
		return kinds, nil
	}
	data, err := o.get(ctx, u, maxDocument)
	if err != nil {
		return nil, err
	}
	kinds, err := driftschema.FromOpenAPI(data)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err)
	}
	sum := sha512.Sum512(data)
	if strings.ToUpper(hex.EncodeToString(sum[:])) == hash {
		kinds = o.shared.put(hash, kinds)
	}
	return kinds, nil
}

func (o *openAPI) fetchIndex(ctx context.Context, _ struct{}, _ map[string]string) (map[string]string, error) {
	data, err := o.get(ctx, &url.URL{Path: "/openapi/v3"}, maxIndex)
	if err != nil {
		return nil, fmt.Errorf("read the index of OpenAPI documents from cluster %s: %w", o.cluster.name, err)
	}
	var index struct {
		Paths map[string]struct {
			URL string `json:"serverRelativeURL"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, fault.Wrap(fault.Invalid, fmt.Errorf("read the index of OpenAPI documents from cluster %s: %w", o.cluster.name, err))
	}
	out := make(map[string]string, len(index.Paths))
	for path, p := range index.Paths {
		out[path] = p.URL
	}
	return out, nil
}

func (o *openAPI) get(ctx context.Context, u *url.URL, most int64) ([]byte, error) {
	client, err := discovery.NewDiscoveryClientForConfigAndClient(o.cluster.config, o.cluster.http)
	if err != nil {
		return nil, err
	}
	req := client.RESTClient().Get().AbsPath(u.Path).SetHeader("Accept", "application/json")
	for name, values := range u.Query() {
		req = req.Param(name, strings.Join(values, ","))
	}
	body, err := req.Stream(ctx)
	if err != nil {
		return nil, classify(err)
	}
	defer body.Close() //nolint:errcheck // it was read, or is of no use
	data, err := io.ReadAll(io.LimitReader(body, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > most {
		return nil, fault.New(fault.Invalid, "%s is larger than %d MiB", u.Path, most>>20)
	}
	return data, nil
}

// Documents shares what OpenAPI documents say among the clusters that serve
// the same ones: those of one Kubernetes version do. A document counts as the
// same by the hash of its content, which was checked, so that no cluster can
// change what another one's kinds are. The zero value is ready; what no
// cluster uses any more is let go.
type Documents struct {
	mu    sync.Mutex
	kinds map[string]weak.Pointer[driftschema.Set]
}

func (d *Documents) get(hash string) *driftschema.Set {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.kinds[hash].Value()
}

// put keeps a set, and returns the one that counts.
func (d *Documents) put(hash string, kinds *driftschema.Set) *driftschema.Set {
	d.mu.Lock()
	defer d.mu.Unlock()
	if first := d.kinds[hash].Value(); first != nil {
		return first
	}
	if d.kinds == nil {
		d.kinds = map[string]weak.Pointer[driftschema.Set]{}
	}
	for h, p := range d.kinds {
		if p.Value() == nil {
			delete(d.kinds, h)
		}
	}
	d.kinds[hash] = weak.Make(kinds)
	return kinds
}
