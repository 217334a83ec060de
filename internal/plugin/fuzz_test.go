package plugin

import "testing"

// FuzzDecode: whatever a plugin answers gives parameter sets or an error, and
// only a list is an answer.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"output":{"parameters":[{"a":1e9,"b":[null]}]}}`, `{"output":{"parameters":[]}}`, `{"output":null}`, `[`, `{"output":{"parameters":[{},]}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		sets, err := decode(data)
		if (err == nil) != (sets != nil) {
			t.Errorf("%v, %v", sets, err)
		}
		for i, set := range sets {
			if set == nil {
				t.Errorf("set %d is nil", i)
			}
		}
		if n := len([]rune(excerpt(string(data)))); n > 201 {
			t.Errorf("the excerpt has %d characters", n)
		}
	})
}
