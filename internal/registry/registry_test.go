package registry_test

import (
	"archive/tar"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/trueup-dev/trueup/internal/fault"
	"github.com/trueup-dev/trueup/internal/registry"
	"github.com/trueup-dev/trueup/internal/snapshot"
)

// opener opens locations, and reads what they hold.
type opener struct {
	*registry.Registry
	t   *testing.T
	dir string
}

func open(t *testing.T, c registry.Credentials) opener {
	t.Helper()
	dir := t.TempDir()
	return opener{registry.New(registry.Options{Dir: dir, Credentials: c}), t, dir}
}

// read gives a file of a location, or the kind of the error and its text.
func (o opener) read(at snapshot.Location, name string) string {
	o.t.Helper()
	tree, err := o.Tree(o.t.Context(), at)
	if err != nil {
		return string(fault.Of(err)) + ": " + err.Error()
	}
	data, err := tree.FS.ReadFile(name)
	if err != nil {
		o.t.Fatal(err)
	}
	return string(data)
}

func (o opener) poll(url string) bool {
	o.t.Helper()
	changed, err := o.Poll(o.t.Context(), url)
	if err != nil {
		o.t.Fatal(err)
	}
	return changed
}

// helmRepo serves versions 1.0.0, 1.2.0, 1.3.0-rc.1 and v2.0.0 of a chart.
func helmRepo(t *testing.T) (*server, *repo, string) {
	t.Helper()
	r := &repo{}
	s := serve(t, r, password, true)
	for i, version := range []string{"1.0.0", "1.2.0", "1.3.0-rc.1", "v2.0.0"} {
		data := packaged(t, "web", version)
		r.put("/charts/web-"+version+".tgz", data)
		url := "web-" + version + ".tgz"
		if i%2 == 1 {
			url = s.URL + "/charts/" + url
		}
		r.add("web", version, url, hexSum(data))
	}
	return s, r, s.URL + "/charts"
}

func TestHelmRepository(t *testing.T) {
	t.Parallel()
	s, _, url := helmRepo(t)
	o := open(t, credentials{url: {Username: user, Password: password, CA: s.ca()}})
	for _, tc := range []struct{ reason, revision, want string }{
		{"a version", "1.0.0", "at: 1.0.0\n"},
		{"a range takes the newest release in it", "^1.0.0", "at: 1.2.0\n"},
		{"a prerelease counts where the range names one", ">=1.0.0-0 <2", "at: 1.3.0-rc.1\n"},
		{"a short version is a range, as it is for Helm", "1.2", "at: 1.2.0\n"},
		{"a v in front makes no difference", "2.0.0", "at: v2.0.0\n"},
		{"nothing named is the newest", "", "at: v2.0.0\n"},
		{"any", "*", "at: v2.0.0\n"},
		{"out of range", "3.x", "Missing: open chart web of " + url + ` at 3.x: none of its 4 versions is in the range "3.x"; the newest is v2.0.0`},
		{"no range at all", "main", "Missing: open chart web of " + url + ` at main: there is no version "main", and it is no range of versions: improper constraint: "main"`},
	} {
		if diff := cmp.Diff(tc.want, o.read(snapshot.Location{RepoURL: url, Chart: "web", Revision: tc.revision}, "values.yaml")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
	if got := o.read(snapshot.Location{RepoURL: url, Chart: "nope"}, "-"); !strings.HasPrefix(got, "Missing: ") || !strings.Contains(got, "has no chart nope") {
		t.Errorf("a chart that is not there: %s", got)
	}
	tree, err := o.Tree(t.Context(), snapshot.Location{RepoURL: url, Chart: "web", Revision: "^1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(tree.FS, "Chart.yaml", "values.yaml", "templates/cm.yaml"); err != nil {
		t.Error(err)
	}
	got := []string{tree.Commit.Repo, tree.Commit.Ref, tree.Commit.SHA, tree.Commit.Subject}
	if diff := cmp.Diff([]string{url, "^1.0.0", "1.2.0", "chart web 1.2.0"}, got); diff != "" {
		t.Errorf("the commit (-want +got):\n%s", diff)
	}
}

func TestNothingIsAskedOfTheNetworkTwice(t *testing.T) {
	t.Parallel()
	s, r, url := helmRepo(t)
	o := open(t, credentials{url: {Username: user, Password: password, CA: s.ca()}})
	at := snapshot.Location{RepoURL: url, Chart: "web", Revision: "^1.0.0"}
	o.read(at, "values.yaml")
	if n := s.requests(); n != 2 {
		t.Errorf("%d requests for an index and an archive", n)
	}
	o.read(at, "values.yaml")
	if n := s.requests(); n != 2 {
		t.Errorf("%d requests after a second reader", n)
	}
	if o.poll(url) || r.notModified != 1 {
		t.Error("nothing changed, and the server was to be asked only whether it did")
	}
	data := packaged(t, "web", "1.4.0")
	r.put("/charts/web-1.4.0.tgz", data)
	r.add("web", "1.4.0", "web-1.4.0.tgz", hexSum(data))
	if got := o.read(at, "values.yaml"); got != "at: 1.2.0\n" {
		t.Errorf("before the poll: %s", got)
	}
	if !o.poll(url) {
		t.Error("a range that stands for a newer version is a change")
	}
	if got := o.read(at, "values.yaml"); got != "at: 1.4.0\n" {
		t.Errorf("after the poll: %s", got)
	}
	s.setBroken(true)
	if _, err := o.Poll(t.Context(), url); fault.Of(err) != fault.Transient {
		t.Errorf("a server that fails: %v", err)
	}
	if got := o.read(at, "values.yaml"); got != "at: 1.4.0\n" {
		t.Errorf("what is held does not need the server: %s", got)
	}
	o.Forget(url)
	if o.Holds(url) {
		t.Error("it was to be forgotten")
	}
}

func TestArchivesAreChecked(t *testing.T) {
	t.Parallel()
	r := &repo{}
	s := serve(t, r, "", false)
	url := s.URL + "/charts"
	data := packaged(t, "web", "1.0.0")
	r.put("/charts/a.tgz", data)
	r.add("web", "1.0.0", "a.tgz", hexSum(data))
	r.add("web", "2.0.0", "a.tgz", hexSum([]byte("something else")))
	r.add("web", "3.0.0", "gone.tgz", "")
	o := open(t, nil)
	if got := o.read(snapshot.Location{RepoURL: url, Chart: "web", Revision: "2.0.0"}, "-"); !strings.HasPrefix(got, "Invalid: ") || !strings.Contains(got, "its digest is") {
		t.Errorf("an archive that is not what the index says: %s", got)
	}
	if got := o.read(snapshot.Location{RepoURL: url, Chart: "web", Revision: "3.0.0"}, "-"); !strings.HasPrefix(got, "Missing: ") {
		t.Errorf("an archive that is not there: %s", got)
	}
	at := snapshot.Location{RepoURL: url, Chart: "web", Revision: "1.0.0"}
	o.read(at, "values.yaml")
	kept := filepath.Join(o.dir, hexSum(data))
	if err := os.WriteFile(kept, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := opener{registry.New(registry.Options{Dir: o.dir}), t, o.dir}
	if got := again.read(at, "values.yaml"); got != "at: 1.0.0\n" {
		t.Errorf("a damaged archive is fetched again: %s", got)
	}
	if held, err := os.ReadFile(kept); err != nil || hexSum(held) != hexSum(data) {
		t.Errorf("and kept: %v", err)
	}
}

func TestCredentialsStayWithTheirHost(t *testing.T) {
	t.Parallel()
	data := packaged(t, "web", "1.0.0")
	other := &repo{}
	other.put("/a.tgz", data)
	elsewhere := serve(t, other, "", false)
	r := &repo{}
	s := serve(t, r, password, false)
	r.add("web", "1.0.0", elsewhere.URL+"/a.tgz", hexSum(data))
	url := s.URL + "/charts"
	for _, tc := range []struct {
		reason         string
		pass, location bool
	}{{"another host learns no password", false, false}, {"unless the user says so", true, false}, {"for one source", true, true}} {
		o := open(t, credentials{url: {Username: user, Password: password, PassCredentials: tc.pass && !tc.location}})
		if got := o.read(snapshot.Location{RepoURL: url, Chart: "web", PassCredentials: tc.location}, "values.yaml"); got != "at: 1.0.0\n" {
			t.Fatalf("%s: %s", tc.reason, got)
		}
		if sent := elsewhere.auths[len(elsewhere.auths)-1] != ""; sent != tc.pass {
			t.Errorf("%s: sent = %v", tc.reason, sent)
		}
	}
}

func TestBearerToken(t *testing.T) {
	t.Parallel()
	data := packaged(t, "web", "1.0.0")
	r, other := &repo{}, &repo{}
	other.put("/b.tgz", packaged(t, "web", "2.0.0"))
	elsewhere := serve(t, other, "", false)
	s := serve(t, r, "", false)
	r.put("/charts/a.tgz", data)
	r.add("web", "1.0.0", "a.tgz", hexSum(data))
	r.add("web", "2.0.0", elsewhere.URL+"/b.tgz", "")
	oci := ociServer(t)
	push(t, oci, "charts/web", "1.0.0", layer{helmLayer, data})
	s.token, oci.token = "t0ken", "t0ken"

	helm, charts := s.URL+"/charts", "oci://"+oci.host()+"/charts"
	access := registry.Auth{BearerToken: "t0ken", CA: oci.ca()}
	o := open(t, credentials{helm: access, charts: access})
	for _, tc := range []struct {
		reason string
		at     snapshot.Location
	}{
		{"a Helm repository", snapshot.Location{RepoURL: helm, Chart: "web", Revision: "1.0.0"}},
		{"a chart of it at another host", snapshot.Location{RepoURL: helm, Chart: "web", Revision: "2.0.0"}},
		{"a registry", snapshot.Location{RepoURL: charts, Chart: "web", Revision: "1.0.0"}},
	} {
		if diff := cmp.Diff("at: "+tc.at.Revision+"\n", o.read(tc.at, "values.yaml")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
	if diff := cmp.Diff([]string{""}, elsewhere.auths); diff != "" {
		t.Errorf("another host learns the token (-want +got):\n%s", diff)
	}
}

func TestOCI(t *testing.T) {
	t.Parallel()
	s := ociServer(t)
	for _, version := range []string{"1.0.0", "1.2.0+build.1", "1.3.0-rc.1", "2.0.0", "2.1.0"} {
		push(t, s, "charts/web", strings.ReplaceAll(version, "+", "_"), layer{helmLayer, packaged(t, "web", version)})
	}
	files := archived(t, file("./a.yaml", "a: 1"), file("apps/b.yaml", "b: 1"))
	digest := push(t, s, "config", "v1.0.0", layer{"application/vnd.oci.image.layer.v1.tar+gzip", files})
	for _, tag := range []string{"app-v1.0.0", "app-3.0.0"} {
		push(t, s, "config", tag, layer{"application/vnd.oci.image.layer.v1.tar+gzip", archived(t, file("a.yaml", tag))})
	}
	push(t, s, "config", "latest", layer{helmLayer, packaged(t, "web", "1.0.0")})
	push(t, s, "config", "two", layer{helmLayer, packaged(t, "web", "1.0.0")}, layer{helmLayer, files})
	push(t, s, "config", "odd", layer{"text/plain", files})

	access := registry.Auth{Username: user, Password: password, CA: s.ca()}
	charts, bare, config := "oci://"+s.host()+"/charts", s.host()+"/charts", "oci://"+s.host()+"/config"
	o := open(t, credentials{charts: access, bare: access, config: access})
	for _, tc := range []struct {
		reason string
		at     snapshot.Location
		file   string
		want   string
	}{
		{"a tag", snapshot.Location{RepoURL: charts, Chart: "web", Revision: "1.0.0"}, "values.yaml", "at: 1.0.0\n"},
		{"a plus sign is an underscore in a tag", snapshot.Location{RepoURL: bare, Chart: "web", Revision: "1.2.0+build.1"}, "values.yaml", "at: 1.2.0+build.1\n"},
		{"a range, on several pages of tags", snapshot.Location{RepoURL: bare, Chart: "web", Revision: ">=1"}, "values.yaml", "at: 2.1.0\n"},
		{"a range with build metadata in it", snapshot.Location{RepoURL: charts, Chart: "web", Revision: "1.x"}, "values.yaml", "at: 1.2.0+build.1\n"},
		{"nothing named is the newest", snapshot.Location{RepoURL: charts, Chart: "web"}, "values.yaml", "at: 2.1.0\n"},
		{"an artifact by tag", snapshot.Location{RepoURL: config, Revision: "v1.0.0"}, "apps/b.yaml", "b: 1"},
		{"by digest", snapshot.Location{RepoURL: config, Revision: digest}, "a.yaml", "a: 1"},
		{"by range", snapshot.Location{RepoURL: config, Revision: "1.x"}, "a.yaml", "a: 1"},
		{"a version with the prefix", snapshot.Location{RepoURL: config, Revision: "3.0.0", TagPrefix: "app-"}, "a.yaml", "app-3.0.0"},
		{"which goes before the one without", snapshot.Location{RepoURL: config, Revision: "v1.0.0", TagPrefix: "app-"}, "a.yaml", "app-v1.0.0"},
		{"a version without the prefix", snapshot.Location{RepoURL: config, Revision: "v1.0.0", TagPrefix: "web-"}, "apps/b.yaml", "b: 1"},
		{"an artifact that is a chart has it at its root", snapshot.Location{RepoURL: config, Revision: "latest"}, "values.yaml", "at: 1.0.0\n"},
	} {
		if diff := cmp.Diff(tc.want, o.read(tc.at, tc.file)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
		}
	}
	for _, tc := range []struct {
		reason string
		at     snapshot.Location
		want   []string
	}{
		{"two layers", snapshot.Location{RepoURL: config, Revision: "two"}, []string{"Invalid", "has 2 layers"}},
		{"no archive", snapshot.Location{RepoURL: config, Revision: "odd"}, []string{"Invalid", "type text/plain"}},
		{"no such tag with a prefix", snapshot.Location{RepoURL: config, Revision: "9.9.9", TagPrefix: "app-"}, []string{"Missing", "the tag 9.9.9"}},
		{"no such tag", snapshot.Location{RepoURL: charts, Chart: "web", Revision: "9.9.9"}, []string{"Missing", "the tag 9.9.9"}},
		{"no such range", snapshot.Location{RepoURL: charts, Chart: "web", Revision: "9.x"}, []string{"Missing", "the newest is 2.1.0"}},
		{"no such chart", snapshot.Location{RepoURL: charts, Chart: "nope", Revision: "1.x"}, []string{"Missing"}},
		{"a broken digest", snapshot.Location{RepoURL: config, Revision: "sha256:12"}, []string{"Invalid"}},
		{"another repository's credentials", snapshot.Location{RepoURL: charts + "/x", Chart: "web", Revision: "1.0.0"}, []string{"Denied"}},
		{"a version in the URL", snapshot.Location{RepoURL: config + ":v1"}, []string{"Invalid", "targetRevision"}},
	} {
		got := o.read(tc.at, "-")
		for _, part := range tc.want {
			if !strings.Contains(got, part) {
				t.Errorf("%s: %s does not tell %q", tc.reason, got, part)
			}
		}
	}
	tree, err := o.Tree(t.Context(), snapshot.Location{RepoURL: config, Revision: "v1.0.0"})
	if err != nil || tree.Commit.SHA != digest {
		t.Errorf("an artifact's commit is its digest: %v, %v", tree.Commit, err)
	}
}

func TestTagThatMovesIsNoticedAtThePoll(t *testing.T) {
	t.Parallel()
	s := ociServer(t)
	push(t, s, "config", "live", layer{"application/vnd.oci.image.layer.v1.tar+gzip", archived(t, file("a", "1"))})
	url := "oci://" + s.host() + "/config"
	access := credentials{url: {Username: user, Password: password, CA: s.ca()}}
	o := open(t, access)
	at := snapshot.Location{RepoURL: url, Revision: "live"}
	o.read(at, "a")
	if o.poll(url) {
		t.Error("nothing changed")
	}
	asked := s.requests()
	o.read(at, "a")
	if s.requests() != asked {
		t.Error("what is known was asked again")
	}
	second := push(t, s, "config", "live", layer{"application/vnd.oci.image.layer.v1.tar+gzip", archived(t, file("a", "2"))})
	if got := o.read(at, "a"); got != "1" {
		t.Errorf("before the poll: %s", got)
	}
	if !o.poll(url) {
		t.Error("the tag moved")
	}
	if got := o.read(at, "a"); got != "2" {
		t.Errorf("after the poll: %s", got)
	}
	// A new process needs no network for a digest whose archive is on disk.
	s.setBroken(true)
	again := opener{registry.New(registry.Options{Dir: o.dir, Credentials: access}), t, o.dir}
	if got := again.read(snapshot.Location{RepoURL: url, Revision: second}, "a"); got != "2" {
		t.Errorf("a digest without network: %s", got)
	}
}

func TestIndexThatPointsIntoARegistry(t *testing.T) {
	t.Parallel()
	registryServer := ociServer(t)
	push(t, registryServer, "charts/web", "1.0.0", layer{helmLayer, packaged(t, "web", "1.0.0")})
	r := &repo{}
	s := serve(t, r, "", false)
	r.add("web", "1.0.0", "oci://"+registryServer.host()+"/charts/web:1.0.0", "not the archive's")
	o := open(t, credentials{"oci://" + registryServer.host() + "/charts/web": {Username: user, Password: password, CA: registryServer.ca()}})
	at := snapshot.Location{RepoURL: s.URL + "/charts", Chart: "web"}
	if got := o.read(at, "values.yaml"); got != "at: 1.0.0\n" {
		t.Fatal(got)
	}
	asked := registryServer.requests()
	if got := o.read(at, "values.yaml"); got != "at: 1.0.0\n" || registryServer.requests() != asked {
		t.Errorf("it is held: %s", got)
	}
}

func TestHostileArchives(t *testing.T) {
	t.Parallel()
	s := ociServer(t)
	url := "oci://" + s.host() + "/config"
	o := open(t, credentials{url: {Username: user, Password: password, CA: s.ca()}})
	many := make([]tar.Header, 20_001)
	for i := range many {
		many[i] = file("a", "")
	}
	for _, tc := range []struct {
		reason  string
		tag     string
		archive []byte
		want    string
	}{
		{"a path that climbs", "up", archived(t, file("a/../../b", "x")), "leaves it"},
		{"an absolute path", "abs", archived(t, file("/etc/passwd", "x")), "leaves it"},
		{"a path of Windows", "win", archived(t, file(`..\b`, "x")), "leaves it"},
		{"a symbolic link", "link", archived(t, tar.Header{Name: "a", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}), "links are refused"},
		{"a hard link", "hard", archived(t, tar.Header{Name: "a", Linkname: "b", Typeflag: tar.TypeLink}), "links are refused"},
		{"a device", "dev", archived(t, tar.Header{Name: "a", Typeflag: tar.TypeChar}), "no ordinary file"},
		{"a file that is a folder", "both", archived(t, file("a", "x"), file("a/b", "x")), "both a file and a folder"},
		{"a huge file", "huge", archived(t, file("a", strings.Repeat("a", snapshot.MaxFileSize+1))), "larger than 8 MiB"},
		{"a bomb of many files", "bomb", archived(t, slices.Repeat([]tar.Header{file("a", strings.Repeat("a", 8<<20))}, 17)...), "more than 128 MiB"},
		{"a bomb of names", "names", archived(t, many...), "more than 20000 files"},
		{"nothing", "empty", archived(t), "no files"},
		{"no archive", "none", []byte("hello"), "read the archive"},
	} {
		push(t, s, "config", tc.tag, layer{"application/vnd.oci.image.layer.v1.tar+gzip", tc.archive})
		got := o.read(snapshot.Location{RepoURL: url, Revision: tc.tag}, "-")
		if !strings.HasPrefix(got, "Invalid: ") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %s", tc.reason, got)
		}
	}
	if entries, err := fs.ReadDir(os.DirFS(o.dir), "."); err != nil || len(entries) > 12 {
		t.Errorf("refused archives are not kept: %v, %v", entries, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s, _, url := helmRepo(t)
	wrong := credentials{url: {Username: user, Password: "wrong", CA: s.ca()}}
	for _, tc := range []struct {
		reason string
		access registry.Credentials
		at     snapshot.Location
		kind   fault.Kind
	}{
		{"a wrong password", wrong, snapshot.Location{RepoURL: url, Chart: "web"}, fault.Denied},
		{"a certificate that nobody vouches for", nil, snapshot.Location{RepoURL: url, Chart: "web"}, fault.Denied},
		{"a CA that is none", credentials{url: {CA: []byte("x")}}, snapshot.Location{RepoURL: url, Chart: "web"}, fault.Denied},
		{"a scheme that nobody speaks", nil, snapshot.Location{RepoURL: "ftp://x", Chart: "web"}, fault.Invalid},
		{"no host", nil, snapshot.Location{RepoURL: "oci://"}, fault.Invalid},
		{"no chart", nil, snapshot.Location{RepoURL: url}, fault.Invalid},
	} {
		_, err := open(t, tc.access).Tree(t.Context(), tc.at)
		if fault.Of(err) != tc.kind || strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s: %s: %v", tc.reason, fault.Of(err), err)
		}
	}
	if got := open(t, credentials{url: {Username: user, Password: password, Insecure: true}}).read(snapshot.Location{RepoURL: url, Chart: "web", Revision: "1.0.0"}, "values.yaml"); got != "at: 1.0.0\n" {
		t.Errorf("who accepts any certificate: %s", got)
	}
}
