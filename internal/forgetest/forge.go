package forgetest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Variable names the program, which "make test" builds. Its folders of
// templates, options and public files are beside it.
const Variable = "TRUEUP_TEST_FORGE"

// Forge is one running Gitea.
type Forge struct {
	// URL is its address, without a slash at the end.
	URL string

	t       testing.TB
	program string
	dir     string
	serial  int // of what needs a name
}

// The administrator.
const (
	admin    = "root-of-all"
	password = "correct horse battery staple"
)

// settings keep Gitea small, offline and on this machine.
const settings = `
RUN_USER = %[1]s
RUN_MODE = prod
WORK_PATH = %[2]s
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %[3]d
ROOT_URL = http://127.0.0.1:%[3]d/
DISABLE_SSH = true
OFFLINE_MODE = true
LFS_START_SERVER = false
STATIC_ROOT_PATH = %[4]s
[database]
DB_TYPE = sqlite3
PATH = %[2]s/gitea.db
SQLITE_JOURNAL_MODE = WAL
SQLITE_TIMEOUT = 20000
[security]
INSTALL_LOCK = true
SECRET_KEY = a secret of a forge that holds none
INTERNAL_TOKEN = eyJhbGciOiJIUzI1NiJ9.eyJuYmYiOjE3MDAwMDAwMDB9.Yl8NDqFq1nqvJ7ZEZZZEZZZEZZZEZZZEZZZEZZZEZZZ
[service]
DISABLE_REGISTRATION = true
[webhook]
ALLOWED_HOST_LIST = loopback
DELIVER_TIMEOUT = 30
[queue]
TYPE = channel
[session]
PROVIDER = memory
[indexer]
ISSUE_INDEXER_TYPE = db
[actions]
ENABLED = false
[cron]
ENABLED = false
[log]
MODE = console
LEVEL = warn
`

// Start runs a Gitea until the test ends. Without the program the test is
// skipped: "make test" never runs without it.
func Start(t testing.TB) *Forge {
	t.Helper()
	program := os.Getenv(Variable)
	if program == "" {
		t.Skipf("needs a Gitea: run make test, or make forge and set %s to what it names", Variable)
	}
	f := &Forge{t: t, program: program, dir: t.TempDir()}
	me, err := user.Current()
	f.must("find the user", err)
	port := freePort(t)
	f.URL = fmt.Sprintf("http://127.0.0.1:%d", port)
	static := filepath.Dir(program)
	f.must("write the settings", os.WriteFile(f.config(), fmt.Appendf(nil, settings, me.Username, f.dir, port, static), 0o600))
	log, err := os.Create(filepath.Join(f.dir, "gitea.log"))
	f.must("write the log", err)
	defer log.Close() //nolint:errcheck // the program has it, too
	// The shell ends Gitea when its own input does: also when the test is
	// killed and cleans up nothing.
	cmd := exec.Command("/bin/sh", "-c", `"$0" "$@" & pid=$!; cat >/dev/null; kill $pid; wait $pid`, program, "web", "--config", f.config())
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = f.environment(), f.dir, log, log
	alive, err := cmd.StdinPipe()
	f.must("start "+program, err)
	f.must("start "+program, cmd.Start())
	t.Cleanup(func() {
		_ = alive.Close()
		_ = cmd.Wait() // by our signal
	})
	f.ready()
	f.run(program, "admin", "user", "create", "--config", f.config(), "--admin", "--username", admin, "--password", password,
		"--email", admin+"@example.com", "--must-change-password=false")
	return f
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing was sent
	return l.Addr().(*net.TCPAddr).Port
}

func (f *Forge) config() string { return filepath.Join(f.dir, "app.ini") }

// environment keeps the caller's settings of Git away. Gitea refuses to run as
// root where nobody says that it may.
func (f *Forge) environment() []string {
	env := []string{"HOME=" + f.dir, "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0"}
	if os.Getuid() == 0 {
		env = append(env, "GITEA_I_AM_BEING_UNSAFE_RUNNING_AS_ROOT=true")
	}
	return env
}

// ready waits until Gitea answers.
func (f *Forge) ready() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL+"/api/healthz", nil)
		f.must("ask for its health", err)
		if res, err := http.DefaultClient.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(f.dir, "gitea.log"))
			f.t.Fatalf("Gitea does not answer: %v\n%s", ctx.Err(), log)
		case <-tick.C:
		}
	}
}

// run runs a program to its end.
func (f *Forge) run(program string, args ...string) {
	f.t.Helper()
	f.runIn(f.dir, program, args...)
}

func (f *Forge) runIn(dir, program string, args ...string) string {
	f.t.Helper()
	cmd := exec.CommandContext(f.t.Context(), program, args...)
	cmd.Env, cmd.Dir = append(f.environment(), "GIT_AUTHOR_NAME=Ana", "GIT_AUTHOR_EMAIL=a@example.com",
		"GIT_COMMITTER_NAME=Ana", "GIT_COMMITTER_EMAIL=a@example.com"), dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.t.Fatalf("%s %s: %v\n%s", filepath.Base(program), args[0], err, out)
	}
	return strings.TrimSpace(string(out))
}

func (f *Forge) must(what string, err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatalf("%s: %v", what, err)
	}
}
