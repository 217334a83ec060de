package layer

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// source is one hand-written Go file of the main module.
type source struct {
	path  string // slash-separated, from the module's root
	file  *ast.File
	fset  *token.FileSet
	lines int
	test  bool
}

func (s source) pkg() string { return path.Dir(s.path) }

// sources parses the main module. Nested modules and test data are not ours
// to judge here.
func sources(t *testing.T) []source {
	t.Helper()
	root := filepath.Join("..", "..")
	var out []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return skipFolder(root, name, d.Name())
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, data, parser.ParseComments)
		if err != nil {
			return err
		}
		if ast.IsGenerated(file) {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		out = append(out, source{
			path: filepath.ToSlash(rel), file: file, fset: fset,
			lines: strings.Count(string(data), "\n"), test: strings.HasSuffix(name, "_test.go"),
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 10 {
		t.Fatalf("found only %d Go files below %s", len(out), root)
	}
	return out
}

func skipFolder(root, name, base string) error {
	if name == root {
		return nil
	}
	if base == "testdata" || base == "bin" || strings.HasPrefix(base, ".") {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

// level finds a package's layer; the most specific row wins.
func level(pkg string) (int, bool) {
	best, found, length := 0, false, -1
	for _, row := range Levels {
		folder, below := strings.CutSuffix(row.Package, "/*")
		match := pkg == folder || below && strings.HasPrefix(pkg, folder+"/")
		if match && len(folder) > length {
			best, found, length = row.Level, true, len(folder)
		}
	}
	return best, found
}

func TestImportsGoUpTheTableOnly(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		own, ok := level(s.pkg())
		if !ok {
			t.Errorf("%s: package %s has no row in the layer table", s.path, s.pkg())
			continue
		}
		if s.test {
			continue // a test may use an adapter to feed the core
		}
		for _, spec := range s.file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			checkImport(t, s, own, name)
		}
	}
}

func checkImport(t *testing.T, s source, own int, name string) {
	t.Helper()
	if ours, ok := strings.CutPrefix(name, Module+"/"); ok {
		if theirs, known := level(ours); !known || theirs > own {
			t.Errorf("%s (layer %d) imports %s (layer %d): imports go up the table only", s.path, own, ours, theirs)
		}
		return
	}
	if own > CoreLevel || isGenerator(s) {
		return
	}
	for banned, why := range Banned {
		if name == banned || strings.HasPrefix(name, banned+"/") {
			t.Errorf("%s (layer %d) imports %s: %s", s.path, own, name, why)
		}
	}
}

// isGenerator reports a program that go:generate runs: it is no part of what
// we ship.
func isGenerator(s source) bool {
	return s.file.Name.Name == "main" && !strings.HasPrefix(s.path, "cmd/")
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	packages := map[string]int{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		packages[s.pkg()] += s.lines
		if s.lines > MaxFileLines && Exceptions[s.path] == "" {
			t.Errorf("%s has %d lines; the budget is %d", s.path, s.lines, MaxFileLines)
		}
		for _, decl := range s.file.Decls {
			checkDecl(t, s, decl)
		}
	}
	for pkg, lines := range packages {
		if l, _ := level(pkg); l <= CoreLevel && lines > MaxPackageLines && Exceptions[pkg] == "" {
			t.Errorf("package %s has %d lines; the budget is %d", pkg, lines, MaxPackageLines)
		}
	}
}

func checkDecl(t *testing.T, s source, decl ast.Decl) {
	t.Helper()
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			checkFunction(t, s, n)
		case *ast.TypeSpec:
			if it, ok := n.Type.(*ast.InterfaceType); ok && it.Methods.NumFields() > MaxMethods {
				t.Errorf("%s: interface %s has %d methods; the budget is %d", s.path, n.Name.Name, it.Methods.NumFields(), MaxMethods)
			}
		}
		return true
	})
}

func checkFunction(t *testing.T, s source, fn *ast.FuncDecl) {
	t.Helper()
	at := s.path + ":" + fn.Name.Name
	if Exceptions[at] != "" {
		return
	}
	lines := s.fset.Position(fn.End()).Line - s.fset.Position(fn.Pos()).Line + 1
	if lines > MaxFunctionLines {
		t.Errorf("%s has %d lines; the budget is %d", at, lines, MaxFunctionLines)
	}
	if n := fn.Type.Params.NumFields(); n > MaxParameters {
		t.Errorf("%s takes %d parameters; the budget is %d", at, n, MaxParameters)
	}
}

// TestEveryPackageSaysWhatItDoesNotKnow keeps the boundaries written down.
func TestEveryPackageSaysWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	docs, packages := map[string]string{}, map[string]bool{}
	for _, s := range sources(t) {
		if s.test || s.file.Name.Name == "main" {
			continue
		}
		packages[s.pkg()] = true
		if s.file.Doc != nil {
			docs[s.pkg()] += s.file.Doc.Text()
		}
	}
	for pkg := range packages {
		if !strings.Contains(docs[pkg], "not know") {
			t.Errorf("package %s: its doc.go does not say what it does not know", pkg)
		}
	}
}

// TestOneWriter proves that nobody but apply calls a writer's methods: the
// port is declared there, and only adapters and wiring may name it.
func TestOneWriter(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if l, _ := level(s.pkg()); s.test || l > CoreLevel || OneWriter[s.pkg()] != "" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if ok && strings.HasSuffix(strings.ToLower(exprName(sel.X)), "writer") && (sel.Sel.Name == "Apply" || sel.Sel.Name == "Delete") {
				t.Errorf("%s calls %s.%s: only reconcile/apply writes to a cluster", s.path, exprName(sel.X), sel.Sel.Name)
			}
			return true
		})
	}
}

func exprName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}
