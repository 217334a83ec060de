package audit

import (
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/trueup-dev/trueup/internal/object"
)

// Ref is an object as requests name it. Name is empty for a request that
// deletes a whole collection.
type Ref struct{ Group, Resource, Namespace, Name string }

// RefOf guesses the resource of an object's kind, as the API machinery does:
// right for all built-in kinds.
func RefOf(key object.Key) Ref {
	plural, _ := meta.UnsafeGuessKindToResource(key.GroupKind().WithVersion("v1"))
	return Ref{Group: key.Group, Resource: plural.Resource, Namespace: key.Namespace, Name: key.Name}
}

func (r Ref) collection() Ref { r.Name = ""; return r }

// Concerns reports a request that may have changed an object.
func (r Ref) Concerns(at Ref) bool {
	if r == at {
		return true
	}
	return r.Name == "" && r.Group == at.Group && r.Resource == at.Resource && (r.Namespace == "" || r.Namespace == at.Namespace)
}

// Event is one request that changed something, or deleted it.
type Event struct {
	Ref
	Verb, Subresource string
	// User sent it; where that is by impersonation, Impersonator is who did.
	User, Impersonator string
	// Address is the other end of the connection, ForwardedFor what it says to
	// speak for.
	Address      string
	ForwardedFor []string
	UserAgent    string
	// Manager is the field manager that the API server takes for the request.
	Manager string
	// Received and Done are the API server's times.
	Received, Done time.Time
	// Base is the resourceVersion that an update was made from, Version the one
	// that it led to; each empty where the event does not tell.
	Base, Version string
	// Own marks requests of trueup itself.
	Own bool

	// touched are the fields that a patch names; nil where that is not known.
	touched []string
	// id is not unique: clients may choose it.
	id string
}

// Bounds of texts that clients choose.
const (
	maxText      = 256 // bytes
	maxForwarded = 4
	maxManager   = 128 // the API server's own
)

// rawEvent is what is read of an event.
type rawEvent struct {
	AuditID          string   `json:"auditID"`
	Stage            string   `json:"stage"`
	RequestURI       string   `json:"requestURI"`
	Verb             string   `json:"verb"`
	User             user     `json:"user"`
	ImpersonatedUser *user    `json:"impersonatedUser"`
	SourceIPs        []string `json:"sourceIPs"`
	UserAgent        string   `json:"userAgent"`
	ObjectRef        *struct {
		Resource, Namespace, Name, APIGroup, ResourceVersion, Subresource string
	} `json:"objectRef"`
	ResponseStatus *struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
	RequestObject  json.RawMessage `json:"requestObject"`
	ResponseObject *struct {
		Kind     string `json:"kind"`
		Metadata struct {
			Name            string `json:"name"`
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
	} `json:"responseObject"`
	Received string `json:"requestReceivedTimestamp"`
	Done     string `json:"stageTimestamp"`
}

type user struct {
	Username string `json:"username"`
}

// event reduces a raw event; ok is false for what changed nothing.
func (r *rawEvent) event() (e Event, ok bool, err error) {
	if r.ObjectRef == nil || r.ObjectRef.Resource == "" || !writes(r.Verb, r.ObjectRef.Subresource) || !r.succeeded() {
		return e, false, nil
	}
	received, errReceived := time.Parse(time.RFC3339Nano, r.Received)
	done, errDone := time.Parse(time.RFC3339Nano, r.Done)
	if errReceived != nil || errDone != nil {
		return e, false, errors.New("the times of the event are none")
	}
	_, parameters, _ := strings.Cut(r.RequestURI, "?")
	query, _ := url.ParseQuery(parameters) // what is malformed is left out
	if query.Has("dryRun") {
		return e, false, nil
	}
	o := r.ObjectRef
	e = Event{
		Ref:  Ref{Group: o.APIGroup, Resource: o.Resource, Namespace: o.Namespace, Name: o.Name},
		Verb: r.Verb, Subresource: o.Subresource, User: text(r.User.Username), UserAgent: text(r.UserAgent),
		Manager: manager(query.Get("fieldManager"), r.UserAgent), Received: received.UTC(), Done: done.UTC(), id: text(r.AuditID),
	}
	if r.ImpersonatedUser != nil && r.ImpersonatedUser.Username != "" {
		e.User, e.Impersonator = text(r.ImpersonatedUser.Username), e.User
	}
	e.addresses(r.SourceIPs)
	e.versions(r)
	if e.Verb == "patch" && e.Subresource != "scale" && e.Resource != "horizontalpodautoscalers" { // whose fields go by other paths
		e.touched = touched(r.RequestObject)
	}
	return e, e.Name != "" || e.Verb == "deletecollection", nil
}

func (r *rawEvent) succeeded() bool {
	return r.Stage == "ResponseComplete" && r.ResponseStatus != nil && r.ResponseStatus.Code >= 200 && r.ResponseStatus.Code <= 299
}

// versions takes what the event tells of the object's versions, and the name
// that the server made up for a new one.
func (e *Event) versions(r *rawEvent) {
	if e.Verb == "update" {
		e.Base = text(r.ObjectRef.ResourceVersion)
	}
	if a := r.ResponseObject; a != nil && a.Kind != "Status" && e.Subresource != "eviction" {
		e.Version = text(a.Metadata.ResourceVersion)
		if e.Name == "" && e.Verb == "create" {
			e.Name = a.Metadata.Name
		}
	}
}

// writes reports requests that change objects. Those of some subresources are
// no writes, whatever their verb.
func writes(verb, subresource string) bool {
	switch subresource {
	case "exec", "attach", "portforward", "proxy", "log", "token", "binding":
		return false
	}
	switch verb {
	case "create", "update", "patch", "delete", "deletecollection":
		return true
	}
	return false
}

// addresses takes them apart: all but the last are what the client says.
func (e *Event) addresses(ips []string) {
	for i, text := range ips {
		ip, err := netip.ParseAddr(text)
		switch {
		case err != nil:
		case i == len(ips)-1:
			e.Address = ip.String()
		case len(e.ForwardedFor) < maxForwarded:
			e.ForwardedFor = append(e.ForwardedFor, ip.String())
		}
	}
}

// manager is the name under which the API server keeps what a request set:
// what it says itself, or what the user agent begins with.
func manager(given, userAgent string) string {
	if given != "" {
		return text(given)
	}
	name, _, _ := strings.Cut(userAgent, "/")
	var b strings.Builder
	for _, r := range name {
		if !unicode.IsPrint(r) {
			continue
		}
		if b.Len()+utf8.RuneLen(r) > maxManager {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// text bounds what a client chose, and takes out what does not print: it goes
// to terminals, logs and pages.
func text(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	s = strings.ToValidUTF8(s, "")
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
