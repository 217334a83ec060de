package live

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trueup-dev/trueup/preview"
)

// TestQuotedTexts: what a manifest holds, and a refusal quotes, does not pass
// for another refusal that stops nobody.
func TestQuotedTexts(t *testing.T) {
	t.Parallel()
	for _, quoted := range []string{
		`failed calling webhook "x": y`, `User "x" cannot patch resource "y"`, `namespaces "new" not found`, `exceeded quota: x, y`, `status unknown for quota: x`,
	} {
		s := &metav1.Status{Reason: metav1.StatusReasonInvalid, Code: 422, Message: `ConfigMap "c" is invalid: data.x: Invalid value: "` + quoted + `"`}
		if r := read(s, false); r.verdict != preview.Rejected || r.cause != preview.ByValidation {
			t.Errorf("%s: %s by %s", quoted, r.verdict, r.cause)
		}
	}
}

// TestUnknownAnswers: what a server could not do is not judged, what it refuses
// in words of its own is.
func TestUnknownAnswers(t *testing.T) {
	t.Parallel()
	for code, want := range map[int32]preview.Verdict{
		400: preview.Rejected, 405: preview.Rejected, 409: preview.Rejected, 413: preview.Rejected, 422: preview.Rejected,
		408: preview.NotJudged, 429: preview.NotJudged, 500: preview.NotJudged, 503: preview.NotJudged, 504: preview.NotJudged,
	} {
		if r := read(&metav1.Status{Code: code, Message: "no"}, false); r.verdict != want || r.reason != "no" {
			t.Errorf("%d: %s: %s", code, r.verdict, r.reason)
		}
	}
}

// FuzzSecretRefusals holds that of a Secret no text of a server is kept that
// could quote a value, and that each refusal is one bounded line.
func FuzzSecretRefusals(f *testing.F) {
	f.Add("Invalid", int32(422), `Secret "key" is invalid: data.key: Invalid value: "hunter2hunter2"`, "data.key", "Invalid value: hunter2hunter2")
	f.Add("", int32(403), "admission webhook \"w.example.com\" denied the request: hunter2hunter2", "", "")
	f.Add("InternalError", int32(500), "failed calling webhook \"w.example.com\": hunter2hunter2", "", "")
	f.Add("Forbidden", int32(403), "exceeded quota: small, hunter2hunter2", "x", "y")
	f.Fuzz(func(t *testing.T, reason string, code int32, message, field, cause string) {
		s := &metav1.Status{Reason: metav1.StatusReason(reason), Code: code, Message: message, Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: "FieldValueInvalid", Field: field, Message: cause}}}}
		r := read(s, true)
		if strings.Contains(r.reason, "hunter2") && !strings.Contains(reason+field, "hunter2") && !strings.Contains(r.by, "hunter2") && r.cause != preview.ByPermission && r.cause != preview.ByNamespace {
			t.Errorf("it quotes a value: %q", r.reason)
		}
		for _, r := range []refusal{r, read(s, false)} {
			if strings.ContainsAny(r.reason, "\n\r") && !strings.ContainsAny(reason, "\n\r") || len(r.reason) > 5_000 {
				t.Errorf("it is no line: %q", r.reason)
			}
		}
	})
}
