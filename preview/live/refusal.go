package live

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/preview"
)

// refusal is what a status comes to.
type refusal struct {
	verdict preview.Verdict
	cause   preview.Cause
	by      string
	paths   []string
	reason  string
}

// What API servers say, as it has been since their first versions.
var (
	webhookDenied = regexp.MustCompile(`admission webhook "([^"]+)" denied the request(?:: ?|\b)(.*)`)
	webhookFailed = regexp.MustCompile(`failed calling webhook "([^"]+)": ?(.*)`)
	policyDenied  = regexp.MustCompile(`ValidatingAdmissionPolicy '([^']+)'(?: with binding '[^']+')? denied request: ?(.*)`)
	quotaExceeded = regexp.MustCompile(`exceeded quota: ([^,\s]+), (.*)`)
	quotaFailed   = regexp.MustCompile(`((?:failed|status unknown for) quota: ([^,:\s]+).*)`)
	mayNot        = regexp.MustCompile(`cannot (\w+) resource "([^"]+)"(?: in API group "([^"]*)")?(?: in the namespace "([^"]+)"| at the cluster scope)?`)
	noNamespace   = regexp.MustCompile(`namespaces "([^"]+)" not found`)
	unchangeable  = regexp.MustCompile(`(?i)immutable|may not change once set|updates to .* (?:are forbidden|for fields other than)|spec is immutable after|can(?:not| ?not) be (?:changed|updated|modified)|may not be (?:changed|updated|modified)`)
)

// read tells what a refusal means. Where secret, none of the text is kept that
// could quote a value.
func read(s *metav1.Status, secret bool) refusal {
	r := refusal{verdict: preview.Rejected, cause: preview.ByValidation, reason: oneLine(s.Message)}
	if !r.named(s) {
		r.kind(s)
	}
	if secret {
		r.reason = withoutText(r, s)
	}
	return r
}

// named reads who refuses, where the server says that.
func (r *refusal) named(s *metav1.Status) bool {
	forbidden := s.Reason == metav1.StatusReasonForbidden
	switch m := s.Message; {
	case s.Code >= 500 && matches(webhookFailed, m): // elsewhere it may be quoted from a manifest
		g := webhookFailed.FindStringSubmatch(m)
		r.verdict, r.cause, r.by, r.reason = preview.NotJudged, preview.ByFailure, g[1], "the webhook "+g[1]+" does not answer: "+oneLine(g[2])
	case matches(webhookDenied, m):
		g := webhookDenied.FindStringSubmatch(m)
		r.cause, r.by, r.reason = preview.ByWebhook, g[1], oneLine(g[2])
	case matches(policyDenied, m):
		g := policyDenied.FindStringSubmatch(m)
		r.cause, r.by, r.reason = preview.ByPolicy, g[1], oneLine(g[2])
	case forbidden && matches(quotaExceeded, m):
		g := quotaExceeded.FindStringSubmatch(m)
		r.cause, r.by, r.reason = preview.ByQuota, g[1], oneLine(g[2])
	case forbidden && matches(quotaFailed, m):
		g := quotaFailed.FindStringSubmatch(m)
		r.cause, r.by, r.reason = preview.ByQuota, g[2], oneLine(g[1])
	case s.Reason == metav1.StatusReasonNotFound && matches(noNamespace, m):
		r.cause, r.by = preview.ByNamespace, noNamespace.FindStringSubmatch(m)[1]
		r.reason = "the namespace " + r.by + " does not exist"
	default:
		return false
	}
	return true
}

// kind reads what sort of refusal it is.
func (r *refusal) kind(s *metav1.Status) {
	forbidden := s.Reason == metav1.StatusReasonForbidden
	switch m := s.Message; {
	case forbidden && matches(mayNot, m), s.Reason == metav1.StatusReasonUnauthorized:
		r.verdict, r.cause, r.reason = preview.NotJudged, preview.ByPermission, permission(m)
	case s.Reason == metav1.StatusReasonInvalid:
		r.invalid(s)
	case forbidden:
		r.cause = preview.ByAdmission
		if _, rest, ok := strings.Cut(m, " is forbidden: "); ok {
			r.reason = oneLine(rest)
		}
	case s.Code/100 == 4 && s.Code != 408 && s.Code != 429: // neither a timeout nor too many requests
		if matches(unchangeable, m) {
			r.cause = preview.ByImmutable
		}
	default:
		r.verdict, r.cause = preview.NotJudged, preview.ByFailure
	}
}

func matches(re *regexp.Regexp, text string) bool { return re.MatchString(text) }

// invalid reads what is wrong with which field.
func (r *refusal) invalid(s *metav1.Status) {
	if s.Details == nil || len(s.Details.Causes) == 0 {
		if matches(unchangeable, s.Message) {
			r.cause = preview.ByImmutable
		}
		return
	}
	var texts []string
	for _, c := range s.Details.Causes {
		if matches(unchangeable, c.Message) {
			r.cause = preview.ByImmutable
		}
		if c.Field != "" && c.Field != "<nil>" && !slices.Contains(r.paths, c.Field) {
			r.paths = append(r.paths, c.Field)
		}
		if text := oneLine(strings.TrimPrefix(c.Field+": "+c.Message, "<nil>: ")); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	const most = 4
	if n := len(texts) - most; n > 0 {
		texts = append(texts[:most], fmt.Sprintf("and %d more", n))
	}
	r.reason = strings.Join(texts, "; ")
}

// permission words what one may not do, without who one is.
func permission(message string) string {
	g := mayNot.FindStringSubmatch(message)
	if g == nil {
		return "no permission: the cluster does not know who asks"
	}
	text := "no permission to " + g[1] + " " + g[2]
	if g[3] != "" {
		text += "." + g[3]
	}
	if g[4] != "" {
		text += " in the namespace " + g[4]
	}
	return text
}

// withoutText says of a refusal what cannot quote a value.
func withoutText(r refusal, s *metav1.Status) string {
	switch {
	case r.cause == preview.ByPermission || r.cause == preview.ByNamespace:
		return r.reason
	case r.verdict == preview.NotJudged && r.by != "":
		return "the webhook " + r.by + " does not answer"
	case s.Reason == metav1.StatusReasonInvalid && s.Details != nil && len(r.paths) > 0:
		var texts []string
		for _, c := range s.Details.Causes {
			if text := c.Field + ": " + string(c.Type); !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
		return oneLine(strings.Join(texts, "; "))
	case s.Reason == "":
		return fmt.Sprintf("the server answers %d", s.Code)
	}
	return "the server answers " + string(s.Reason)
}

// oneLine bounds a text, and makes one line of it.
func oneLine(text string) string {
	const most = 400
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "…"
	}
	return text
}

// statusOf is the server's own answer in an error; nil where it gave none.
func statusOf(err error) *metav1.Status {
	var answered interface {
		error
		Status() metav1.Status
	}
	if !errors.As(err, &answered) {
		return nil
	}
	s := answered.Status()
	return &s
}
