package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/trueup-dev/trueup/drift/audit"
	"github.com/trueup-dev/trueup/internal/fault"
)

// AuditOptions say who may tell of requests to clusters, and who is told.
type AuditOptions struct {
	// Tokens lists the bearer tokens of those who may tell of a cluster. With
	// an empty list nobody may.
	Tokens func(ctx context.Context, cluster string) ([]string, error)
	// Known reports whether a cluster is registered.
	Known func(ctx context.Context, cluster string) (bool, error)
	// Take is given each request that changed something; it may see one twice.
	Take func(cluster string, e audit.Event)
	// Counted is told what became of the events of a body.
	Counted func(cluster string, n audit.Count)
	// Received is told of each body: "audit", and what became of it.
	Received func(provider, result string)
}

// Bounds of audit events. An API server sends 400 in one body by default.
const (
	maxAuditBody   = 32 << 20
	parallelBodies = 4
)

// auditSender is the provider under which bodies are counted.
const auditSender = "audit"

// Audit takes audit events at POST /api/audit/{cluster}, as the API server's
// webhook backend sends them. It answers 503 where it has no room, and 500
// where credentials cannot be read: then the API server sends them again.
func Audit(o AuditOptions) http.Handler {
	slots := make(chan struct{}, parallelBodies)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/audit/{cluster}", func(w http.ResponseWriter, r *http.Request) {
		var n audit.Count
		err := error(&refusal{http.StatusServiceUnavailable, busy, "too many bodies at the same time"})
		select {
		case slots <- struct{}{}:
			n, err = o.receive(w, r)
			<-slots
		default:
			w.Header().Set("Retry-After", "1")
		}
		result := accepted
		var refused *refusal
		switch {
		case errors.As(err, &refused):
			result = refused.result
		case err != nil:
			result, refused = failed, &refusal{code: http.StatusInternalServerError, why: "audit events cannot be checked now"}
		}
		o.Received(auditSender, result)
		if refused != nil {
			answer(w, refused.code, failure{refused.why})
			return
		}
		answer(w, http.StatusOK, map[string]int{"writes": n.Writes, "other": n.Other, "broken": n.Broken})
	})
	return mux
}

func (o AuditOptions) receive(w http.ResponseWriter, r *http.Request) (n audit.Count, err error) {
	cluster := r.PathValue("cluster")
	tokens, err := o.Tokens(r.Context(), cluster)
	if err != nil {
		return n, err
	}
	given, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case len(tokens) == 0:
		return n, &refusal{http.StatusUnauthorized, unauthorized, "no token for audit events is configured"}
	case !bearer || !oneOf(tokens, given):
		return n, &refusal{http.StatusUnauthorized, unauthorized, "the request does not prove to know a token that is configured for audit events of this cluster"}
	}
	if known, err := o.Known(r.Context(), cluster); err != nil {
		return n, err
	} else if !known {
		return n, &refusal{http.StatusNotFound, unknown, fmt.Sprintf("no cluster is registered as %q", cluster)}
	}
	n, err = audit.Read(http.MaxBytesReader(w, r.Body, maxAuditBody), func(e audit.Event) { o.Take(cluster, e) })
	o.Counted(cluster, n)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return n, &refusal{http.StatusRequestEntityTooLarge, tooLarge, fmt.Sprintf("the body is larger than %d bytes: send fewer events at once, or truncate them", maxAuditBody)}
	case fault.Of(err) == fault.Invalid:
		return n, &refusal{http.StatusBadRequest, malformed, err.Error()}
	case err != nil:
		return n, &refusal{http.StatusBadRequest, malformed, "the body cannot be read"}
	}
	return n, nil
}

// oneOf compares with all, in a time that depends on none of them.
func oneOf(tokens []string, given string) bool {
	held := 0
	b := sha256.Sum256([]byte(given))
	for _, token := range tokens {
		a := sha256.Sum256([]byte(token))
		held |= subtle.ConstantTimeCompare(a[:], b[:])
	}
	return held == 1
}
