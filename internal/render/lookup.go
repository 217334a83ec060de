package render

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/redact"
)

// Live reads objects of the destination for templates that look at them.
type Live interface {
	// Lookup returns an object, or {items: [...]} where the query has no name.
	// What is not there, or of a kind that is not served, is an empty map. One
	// that the application may not read is a fault.Denied.
	Lookup(ctx context.Context, q Query) (map[string]any, error)
}

// Query asks for an object, or for all of a kind where it has no name; without
// a namespace these are the ones of all namespaces.
type Query struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name,omitempty"`
}

// String reads "v1 Secret shop/web".
func (q Query) String() string {
	name := q.Name
	if name == "" {
		name = "*"
	}
	if q.Namespace != "" {
		name = q.Namespace + "/" + name
	}
	return q.APIVersion + " " + q.Kind + " " + name
}

// LookedUp is a query and what stands for its answer: answers may hold
// secrets, and are not kept.
type LookedUp struct {
	Query Query `json:"query"`
	// Hash is of the answer; empty where there was none but an error.
	Hash string `json:"hash,omitempty"`
}

func (l LookedUp) holds(ctx context.Context, live Live) bool {
	if live == nil || l.Hash == "" {
		return false
	}
	answer, err := live.Lookup(ctx, l.Query)
	if err != nil {
		return false
	}
	hash, err := hashOf(answer)
	return err == nil && hash == l.Hash
}

func hashOf(answer map[string]any) (string, error) {
	data, err := json.Marshal(answer) // sorts the keys
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// maxLookups bounds the queries of one rendering: each is asked again whenever
// the application is looked at.
const maxLookups = 200

// tracedLive asks each query once, so that one rendering sees one answer, and
// remembers what stands for it.
type tracedLive struct {
	next Live

	mu      sync.Mutex
	order   []LookedUp
	answers map[Query]answer
	values  []string // of secrets
}

type answer struct {
	found map[string]any
	err   error
}

// Lookup implements Live. What it returns is the caller's to change.
func (t *tracedLive) Lookup(ctx context.Context, q Query) (map[string]any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, ok := t.answers[q]
	if !ok {
		if len(t.order) >= maxLookups {
			return nil, fault.New(fault.Invalid, "it looks up more than %d things", maxLookups)
		}
		a.found, a.err = t.next.Lookup(ctx, q)
		entry := LookedUp{Query: q}
		if a.err == nil {
			entry.Hash, a.err = hashOf(a.found)
		}
		t.order = append(t.order, entry)
		t.answers[q] = a
		t.values = append(t.values, secretsIn(a.found, q)...)
	}
	if a.err != nil {
		return nil, a.err
	}
	return runtime.DeepCopyJSON(a.found), nil
}

// secretsIn lists the values of the Secrets in an answer.
func secretsIn(found map[string]any, q Query) []string {
	if q.APIVersion != "v1" || q.Kind != "Secret" {
		return nil
	}
	objects := []any{found}
	if items, ok := found["items"].([]any); ok {
		objects = items
	}
	var out []string
	for _, o := range objects {
		secret, _ := o.(map[string]any)
		data, _ := secret["data"].(map[string]any)
		for _, v := range data {
			text, _ := v.(string)
			if plain, err := base64.StdEncoding.DecodeString(text); err == nil {
				out = append(out, string(plain))
			}
		}
	}
	return out
}

// tell adds what looking things up means for a result and its error.
func (t *tracedLive) tell(result *Result, err error) error {
	if t == nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.order) == 0 {
		return err
	}
	result.Reads.Live, result.Sensitive = t.order, true
	secrets := redact.Values(t.values)
	for i, w := range result.Warnings {
		result.Warnings[i] = secrets.Text(w)
	}
	return secrets.Err(err)
}

// look has a request remember what it looks up.
func look(req Request) (Request, *tracedLive) {
	if req.Live == nil {
		return req, nil
	}
	t := &tracedLive{next: req.Live, answers: map[Query]answer{}}
	req.Live = t
	return req, t
}

func (r Reads) liveHolds(ctx context.Context, req Request) Cause {
	for _, l := range r.Live {
		if !l.holds(ctx, req.Live) {
			return Cause{Lookup, l.Query.String()}
		}
	}
	return Cause{}
}
