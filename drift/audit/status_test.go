package audit

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/api/v1alpha1"
)

// TestShown: what a status holds comes back, also by way of an API server.
func TestShown(t *testing.T) {
	t.Parallel()
	ana := Actor{User: "ana", Impersonator: "ci", Addresses: []string{"10.0.0.7", "::1"}, ForwardedFor: []string{"203.0.113.9", "203.0.113.10"}, UserAgent: "kubectl/v1", Manager: "kubectl", Time: at(5)}
	many := make([]Actor, maxOneOf+2)
	for i := range many {
		many[i].User = fmt.Sprint("user ", i)
	}
	for name, actors := range map[string][]Actor{"nobody": nil, "one": {ana}, "one of two": {{User: "ben"}, ana}, "one of many": many} {
		c := v1alpha1.DriftChange{DriftActor: v1alpha1.DriftActor{User: "before"}, OneOf: []v1alpha1.DriftActor{{User: "before"}}}
		Show(actors, &c)
		data, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var stored v1alpha1.DriftChange
		if err := json.Unmarshal(data, &stored); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(actors[:min(maxOneOf, len(actors))], Shown(stored)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	late := Actor{User: "ana", Time: at(5.7)}
	var c v1alpha1.DriftChange
	if Show([]Actor{late}, &c); c.At.Nanosecond() != 0 {
		t.Errorf("the time is %v, which no API server keeps", c.At)
	}
}
