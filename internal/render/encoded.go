package render

import (
	"bytes"
	"compress/gzip"
	stdjson "encoding/json"
	"fmt"
	"io"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/trueup-dev/trueup/internal/object"
)

// encoded is a result as it is kept: objects as JSON take a tenth of the
// memory that their maps take.
type encoded struct {
	reads   Reads
	rest    rest
	objects []byte // a JSON list
}

// rest is what of a result is neither its reads nor its objects.
type rest struct {
	Type      Type     `json:"type"`
	Warnings  []string `json:"warnings,omitempty"`
	Origins   []placed `json:"origins,omitempty"`
	Sensitive bool     `json:"sensitive,omitempty"`
}

type placed struct {
	Key    object.Key `json:"key"`
	Origin Origin     `json:"origin"`
}

func encode(r Result) (encoded, error) {
	e := encoded{reads: r.Reads, rest: rest{Type: r.Type, Warnings: r.Warnings, Sensitive: r.Sensitive}}
	items := make([]map[string]any, len(r.Objects))
	for i, u := range r.Objects {
		items[i] = u.Object
		if origin, ok := r.Origins[object.KeyOf(u)]; ok {
			e.rest.Origins = append(e.rest.Origins, placed{object.KeyOf(u), origin})
		}
	}
	var err error
	e.objects, err = stdjson.Marshal(items)
	return e, err
}

// decode makes a result that shares nothing that callers may change.
func (e encoded) decode() (Result, error) {
	r := Result{Type: e.rest.Type, Warnings: e.rest.Warnings, Sensitive: e.rest.Sensitive, Reads: e.reads}
	var items []map[string]any
	if err := json.Unmarshal(e.objects, &items); err != nil {
		return Result{}, err
	}
	for _, item := range items {
		r.Objects = append(r.Objects, &unstructured.Unstructured{Object: item})
	}
	if len(e.rest.Origins) > 0 {
		r.Origins = make(map[object.Key]Origin, len(e.rest.Origins))
		for _, p := range e.rest.Origins {
			r.Origins[p.Key] = p.Origin
		}
	}
	return r, nil
}

func (e encoded) size() int {
	const perOrigin = 200
	return len(e.objects) + len(e.rest.Origins)*perOrigin + e.reads.size()
}

// packed is the form on disk.
type packed struct {
	Reads   Reads              `json:"reads"`
	Rest    rest               `json:"rest"`
	Objects stdjson.RawMessage `json:"objects"`
}

// zips are writers at rest: each has tables of about a megabyte.
type zips struct{ idle sync.Pool }

func (z *zips) over(b *bytes.Buffer) (*gzip.Writer, error) {
	if w, ok := z.idle.Get().(*gzip.Writer); ok {
		w.Reset(b)
		return w, nil
	}
	return gzip.NewWriterLevel(b, gzip.BestSpeed)
}

func (e encoded) pack(zips *zips) ([]byte, error) {
	var b bytes.Buffer
	z, err := zips.over(&b)
	if err != nil {
		return nil, err
	}
	defer zips.idle.Put(z)
	if err := stdjson.NewEncoder(z).Encode(packed{e.reads, e.rest, e.objects}); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// maxUnpacked bounds what a file of the cache may grow to.
const maxUnpacked = 256 << 20

func unpack(data []byte) (encoded, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return encoded{}, fmt.Errorf("unpack a rendered result: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxUnpacked))
	if err != nil {
		return encoded{}, fmt.Errorf("unpack a rendered result: %w", err)
	}
	var p packed
	if err := stdjson.Unmarshal(plain, &p); err != nil {
		return encoded{}, fmt.Errorf("unpack a rendered result: %w", err)
	}
	return encoded{reads: p.Reads, rest: p.Rest, objects: p.Objects}, nil
}
