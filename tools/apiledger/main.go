// Command apiledger writes the exported surface of every package of the root module, and of the stores, to api/*.txt, one
// symbol a line, so that each change of it is a line in a diff. With -check it writes nothing and fails where a file is out
// of date.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	root := flag.String("root", ".", "directory of the module")
	check := flag.Bool("check", false, "compare instead of writing")
	flag.Parse()
	if err := run(*root, *check); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(root string, check bool) error {
	ledgers, err := collect(root)
	if err != nil {
		return err
	}
	if len(ledgers) < 3 {
		return fmt.Errorf("apiledger: found %d packages under %s: is it the module's root?", len(ledgers), root)
	}
	var stale []string
	for name, text := range ledgers {
		file := filepath.Join(root, "api", name+".txt")
		if !check {
			if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // a file of the repository
				return err
			}
			continue
		}
		if old, err := os.ReadFile(file); err != nil || !bytes.Equal(old, text) { //nolint:gosec // as above
			stale = append(stale, file)
		}
	}
	kept, err := filepath.Glob(filepath.Join(root, "api", "*.txt"))
	if err != nil {
		return err
	}
	for _, file := range kept {
		if _, ok := ledgers[strings.TrimSuffix(filepath.Base(file), ".txt")]; ok {
			continue
		}
		if check {
			stale = append(stale, file)
		} else if err := os.Remove(file); err != nil {
			return err
		}
	}
	if len(stale) > 0 {
		slices.Sort(stale)
		return fmt.Errorf("apiledger: out of date: %s: run scripts/api and review the diff", strings.Join(stale, " "))
	}
	return nil
}

// collect returns the ledger of each importable package of the module, by file name.
func collect(root string) (map[string][]byte, error) {
	ledgers := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		name := d.Name()
		if path != root {
			_, nested := os.Stat(filepath.Join(path, "go.mod"))
			if nested == nil && filepath.Base(filepath.Dir(path)) != "store" || name == "internal" || name == "testdata" || strings.HasPrefix(name, ".") {
				return filepath.SkipDir
			}
		}
		lines, err := symbols(path)
		if err != nil || len(lines) == 0 {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if rel == "." {
			rel = "auth"
		}
		ledgers[strings.ReplaceAll(filepath.ToSlash(rel), "/", "_")] = []byte(strings.Join(lines, "\n") + "\n")
		return nil
	})
	return ledgers, err
}

func symbols(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	var lines []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join(dir, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if file.Name.Name == "main" {
			return nil, nil
		}
		for _, decl := range file.Decls {
			lines = append(lines, declared(fset, decl)...)
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines), nil
}

func declared(fset *token.FileSet, decl ast.Decl) []string {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if !decl.Name.IsExported() || decl.Recv != nil && !exportedReceiver(decl.Recv) {
			return nil
		}
		return []string{oneLine(fset, &ast.FuncDecl{Recv: decl.Recv, Name: decl.Name, Type: decl.Type})}
	case *ast.GenDecl:
		var lines []string
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() {
					lines = append(lines, typeLines(fset, spec)...)
				}
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					if name.IsExported() {
						lines = append(lines, valueLine(fset, decl.Tok, name, spec.Type))
					}
				}
			}
		}
		return lines
	}
	return nil
}

func exportedReceiver(recv *ast.FieldList) bool {
	t := recv.List[0].Type
	for {
		switch u := t.(type) {
		case *ast.StarExpr:
			t = u.X
		case *ast.IndexExpr:
			t = u.X
		case *ast.Ident:
			return u.IsExported()
		default:
			return false
		}
	}
}

func valueLine(fset *token.FileSet, tok token.Token, name *ast.Ident, t ast.Expr) string {
	line := tok.String() + " " + name.Name
	if t != nil {
		line += " " + oneLine(fset, t)
	}
	return line
}

func typeLines(fset *token.FileSet, spec *ast.TypeSpec) []string {
	head := "type " + spec.Name.Name
	if spec.TypeParams != nil {
		head += "[…]"
	}
	switch t := spec.Type.(type) {
	case *ast.StructType:
		return members(fset, head, "struct", t.Fields)
	case *ast.InterfaceType:
		return members(fset, head, "interface", t.Methods)
	}
	if spec.Assign.IsValid() {
		head += " ="
	}
	return []string{head + " " + oneLine(fset, spec.Type)}
}

func members(fset *token.FileSet, head, kind string, fields *ast.FieldList) []string {
	lines := []string{head + " " + kind}
	for _, f := range fields.List {
		text := oneLine(fset, f.Type)
		if len(f.Names) == 0 {
			lines = append(lines, head+" "+kind+", "+text)
		}
		for _, name := range f.Names {
			if name.IsExported() {
				lines = append(lines, head+" "+kind+", "+name.Name+" "+text)
			}
		}
	}
	return lines
}

func oneLine(fset *token.FileSet, node any) string {
	var b bytes.Buffer
	if err := printer.Fprint(&b, fset, node); err != nil {
		return err.Error()
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
