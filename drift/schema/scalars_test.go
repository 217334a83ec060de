package schema

import "testing"

func TestEqual(t *testing.T) {
	t.Parallel()
	tests := []struct {
		reason string
		kind   Scalar
		a, b   any
		want   bool
	}{
		{"a thousand milli is one", Quantity, "1000m", "1", true},
		{"binary prefixes convert", Quantity, "1Gi", "1024Mi", true},
		{"a fraction is milli", Quantity, "0.5", "500m", true},
		{"a quantity may be an integer", Quantity, int64(1), "1", true},
		{"a quantity may be a float", Quantity, 0.5, "500m", true},
		{"bytes are a quantity", Quantity, int64(1073741824), "1Gi", true},
		{"binary is not decimal", Quantity, "1G", "1Gi", false},
		{"what is no quantity equals only itself", Quantity, "lots", "many", false},
		{"an exponent that would take ages is refused", Quantity, "1e999999999", "1", false},
		{"an integer equals the same float", Any, int64(3), 3.0, true},
		{"int and int64 are one type to us", Integer, 3, int64(3), true},
		{"large integers keep their last digit", Integer, int64(9007199254740993), int64(9007199254740992), false},
		{"a port may be text", IntOrString, int64(80), "80", true},
		{"a percentage is not its number", IntOrString, "25%", int64(25), false},
		{"plain text is not a number", String, "80", int64(80), false},
		{"text of unknown kind is not a number", Any, "80", int64(80), false},
		{"a boolean is not text", Boolean, true, "true", false},
		{"a boolean is not text, whatever the schema says", IntOrString, true, "true", false},
		{"booleans compare", Boolean, true, true, true},
		{"minutes make hours", Duration, "60m", "1h", true},
		{"without a schema a duration is text", Any, "60m", "1h", false},
		{"base64 may be broken into lines", Byte, "aHVudG\nVy\n", "aHVudGVy", true},
		{"different bytes", Byte, "aHVudGVy", "eHh4", false},
		{"time zones convert", Time, "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", true},
		{"text is compared exactly", String, "a", "a ", false},
		{"a map is no scalar", Any, map[string]any{}, map[string]any{}, false},
	}
	for _, tc := range tests {
		t.Run(tc.reason, func(t *testing.T) {
			t.Parallel()
			if got := tc.kind.Equal(tc.a, tc.b); got != tc.want {
				t.Errorf("%v and %v: equal %v, want %v", tc.a, tc.b, got, tc.want)
			}
			if got := tc.kind.Equal(tc.b, tc.a); got != tc.want {
				t.Errorf("%v and %v the other way round: equal %v", tc.b, tc.a, got)
			}
		})
	}
}
