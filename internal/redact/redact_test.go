package redact_test

import (
	"errors"
	"testing"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/redact"
)

func TestText(t *testing.T) {
	t.Parallel()
	r := redact.Values([]string{"hunter2-hunter2", "80", "first line\nsecond line\n", "hunter2-hunter2-and-more"})
	for _, tc := range []struct{ reason, text, want string }{
		{"a value", "got hunter2-hunter2!", "got ******!"},
		{"a value that begins with another is taken whole", "got hunter2-hunter2-and-more", "got ******"},
		{"base64 of it", "got aHVudGVyMi1odW50ZXIy", "got ******"},
		{"its beginning, as the YAML library quotes it", "cannot unmarshal !!str `hunter2...` into int", "cannot unmarshal !!str `******` into int"},
		{"a line of it", "at second line", "at ******"},
		{"a word as short as any other", "port 80", "port 80"},
	} {
		if got := r.Text(tc.text); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.reason, got, tc.want)
		}
	}
}

func TestErr(t *testing.T) {
	t.Parallel()
	r := redact.Values([]string{"hunter2-hunter2"})
	cause := errors.New("hunter2-hunter2 is wrong")
	err := r.Err(fault.Wrap(fault.Denied, cause))
	if err.Error() != "****** is wrong" || fault.Of(err) != fault.Denied || !errors.Is(err, cause) {
		t.Errorf("got %v of kind %s", err, fault.Of(err))
	}
	if r.Err(nil) != nil || r.Err(errors.ErrUnsupported) != errors.ErrUnsupported { //nolint:errorlint // the very same
		t.Error("what holds no value stays as it is")
	}
}
