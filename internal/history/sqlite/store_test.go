package sqlite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trueup-dev/trueup/internal/history"
	"github.com/trueup-dev/trueup/internal/history/historytest"
	"github.com/trueup-dev/trueup/internal/history/sqlite"
)

func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestContract(t *testing.T) {
	historytest.Run(t, func(t *testing.T) history.Store { return open(t, filepath.Join(t.TempDir(), "history.db")) })
}

func TestItIsThereAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder with ?odd#name", "history.db")
	first, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.AddRun(t.Context(), history.Run{App: "ns/a", Finished: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := open(t, path).Runs(t.Context(), history.Query{App: "ns/a"})
	if err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAFileThatIsNoDatabaseIsNamedAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(t.Context(), path)
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	if data, err := os.ReadFile(path); err != nil || !strings.HasPrefix(string(data), "not a database") {
		t.Errorf("the file holds %q, %v", data, err)
	}
}
