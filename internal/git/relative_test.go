package git

import "testing"

func TestRelativeURLs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ reason, parent, url, want string }{
		{"beside", "https://h/org/repo.git", "../lib.git", "https://h/org/lib.git"},
		{"in another organisation", "https://h/org/repo", "../../other/lib", "https://h/other/lib"},
		{"below", "https://h/org/repo", "./lib", "https://h/org/repo/lib"},
		{"on a host with a port", "ssh://git@h:22/org/repo", "../lib", "ssh://git@h:22/org/lib"},
		{"in the short form of SSH", "git@h:org/repo.git", "../lib.git", "git@h:org/lib.git"},
		{"at the root of it", "git@h:org/repo.git", "../../lib.git", "git@h:lib.git"},
		{"out of the host", "https://h/repo", "../../evil/lib", ""},
		{"absolute", "https://h/org/repo", "ssh://git@i/lib", "ssh://git@i/lib"},
		{"absolute, in the short form", "https://h/org/repo", "git@i:lib", "git@i:lib"},
		{"a path on this machine", "https://h/org/repo", "/srv/lib", ""},
		{"a protocol without encryption or keys", "https://h/org/repo", "git://h/lib", ""},
		{"relative to this machine", "file:///srv/repo", "../lib", ""},
	} {
		got, err := relative(tc.parent, tc.url)
		if got != tc.want || (err == nil) != (tc.want != "") {
			t.Errorf("%s: got %q, %v, want %q", tc.reason, got, err, tc.want)
		}
	}
}
