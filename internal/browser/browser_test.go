package browser_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a step may take before the test fails. No step waits longer than it has to.
const patience = 30 * time.Second

// executable returns the path of a program, or skips the test; where everything is demanded, it fails it.
func executable(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	why := fmt.Sprintf("none of %s is installed", strings.Join(names, ", "))
	if os.Getenv("AUTH_TEST_REQUIRE_ALL") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
	return ""
}

// A tab is a page in a browser that keeps nothing between tests.
type tab struct {
	t    *testing.T
	ctx  context.Context
	mu   sync.Mutex
	said []string // what went wrong in the page, as its console has it
}

// open starts a browser of its own, whose window is of the size given.
func open(t *testing.T, width, height int64) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(executable(t, browsers...)),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium has none for root
	}
	b := &tab{t: t}
	ctx, cancel := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(options...), chromedp.WithListener(b.listen))
	b.ctx = ctx
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx) // waits for the browser, which then lets go of its directory
		cancel()
	})
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height)); err != nil {
		t.Fatal(err)
	}
	return b
}

var browsers = []string{"chromium", "chromium-browser", "google-chrome"}

// listen keeps exceptions, and errors but those of the network: that a request was refused is often what is asked for.
func (b *tab) listen(event any) {
	var text string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			text += " " + thrown.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			text = fmt.Sprint(e.Entry.Source, ": ", e.Entry.Text)
		}
	}
	if text != "" {
		b.mu.Lock()
		b.said = append(b.said, text)
		b.mu.Unlock()
	}
}

// quiet fails the test where the page threw, or was kept from something by its policy.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.said {
		b.t.Errorf("got %q in the console", text)
	}
}

// do runs steps, and fails the test with the page's text where one does not come to an end.
func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	run(b, what, chromedp.Steps(steps...))
}

// run is do for a step that has a result.
func run[T any](b *tab, what string, step chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, step)
	if err != nil {
		b.picture("failed")
		now, stop := context.WithTimeout(b.ctx, patience)
		defer stop()
		text, _ := chromedp.Run(now, chromedp.Evaluate[string](`document.body.innerText`))
		b.t.Fatalf("%s: got %v on a page that says %q", what, err, text)
	}
	return v
}

// element returns what picks an element of a name by its text, within a part of the page.
func element(within, name, text string) string {
	return fmt.Sprintf(`%s//%s[normalize-space()=%q]`, within, name, text)
}

// form is the part of a page that is the form of a name.
func form(name string) string { return fmt.Sprintf(`//form[@aria-label=%q]`, name) }

// row is the line of a list in which text stands.
func row(text string) string { return fmt.Sprintf(`//li[contains(., %q)]`, text) }

func (b *tab) click(within, name, text string) {
	b.t.Helper()
	b.do("click "+text, chromedp.Click(element(within, name, text)))
}

// fill types into the field of a label.
func (b *tab) fill(within, label, value string) {
	b.t.Helper()
	field := fmt.Sprintf(`%s//label[starts-with(normalize-space(), %q)]//input`, within, label)
	b.overwrite(field, value)
}

// overwrite types into a field, in place of what is there.
func (b *tab) overwrite(field, value string) {
	b.t.Helper()
	b.do("find "+field, chromedp.Focus(field))
	run(b, "select what is in "+field, chromedp.Evaluate[any](`document.activeElement.select()`))
	b.do("type into "+field, chromedp.SendKeys(field, value))
}

// see waits until an element is there to be seen.
func (b *tab) see(what string) {
	b.t.Helper()
	b.do("see "+what, chromedp.WaitVisible(what))
}

// gone waits until there is none.
func (b *tab) gone(what string) {
	b.t.Helper()
	b.do("see no "+what, chromedp.WaitNotPresent(what))
}

func (b *tab) text(what string) string {
	b.t.Helper()
	return strings.TrimSpace(run(b, "read "+what, chromedp.Text(what)))
}

// fits fails the test where the page is wider than its window.
func (b *tab) fits() {
	b.t.Helper()
	over := run(b, "measure", chromedp.Evaluate[int](`document.documentElement.scrollWidth - window.innerWidth`))
	if over > 0 {
		b.t.Errorf("got a page %d pixels wider than its window", over)
	}
}

// picture keeps a picture of what the window shows in the directory AUTH_TEST_SCREENSHOTS, where it is set.
func (b *tab) picture(name string) {
	b.t.Helper()
	directory := os.Getenv("AUTH_TEST_SCREENSHOTS")
	if directory == "" {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(directory, strings.ReplaceAll(b.t.Name(), "/", "-")+"-"+name+".png"), png, 0o600)
	}
	if err != nil {
		b.t.Error(err)
	}
}
