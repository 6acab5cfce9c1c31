package ui

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// patience is how long something on a page is waited for; it is never waited for when things are well.
const patience = time.Minute

// browser is a tab of a headless Chromium. Its methods fail the test when what they do can't be done.
type browser struct {
	t    *testing.T
	ctx  context.Context
	base string
}

func newBrowser(t *testing.T, base string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("chromium is not installed: run the tests with `make test`, which installs it (%v)", err)
	}
	opts := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("headless", true),
		chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("disable-dev-shm-usage", true),
	}
	for _, f := range []string{
		"disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync",
		"disable-default-apps", "disable-extensions",
	} {
		opts = append(opts, chromedp.Flag(f, true))
	}
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, end := chromedp.NewContext(alloc)
	t.Cleanup(func() { end(); stop() })
	b := &browser{t, ctx, base}
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil { // starts it, and so has no time limit
		t.Fatal(err)
	}
	b.viewport(1200, 820)
	return b
}

func (b *browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v; the page is:\n%s", what, err, b.text("body"))
	}
}

func (b *browser) open(path string) { b.t.Helper(); b.do("open "+path, chromedp.Navigate(b.base+path)) }

// is asks the page a question in its own language.
func (b *browser) is(expression string) bool {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
	return err == nil && v
}

func (b *browser) ask(expression string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[string](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func (b *browser) text(css string) string {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, _ := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", css))) // a page that is gone has none
	return v
}

// until waits for the page to say yes.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if b.is(expression) {
			return
		}
	}
	b.t.Fatalf("waited in vain for %s; the page is:\n%s", what, b.text("body"))
}

// sees waits for a text on the page.
func (b *browser) sees(text string) {
	b.t.Helper()
	b.until(fmt.Sprintf("%q", text), fmt.Sprintf("document.body.innerText.includes(%q)", text))
}

// click clicks the link or button whose text begins with words, and waits for the next page.
func (b *browser) click(words string) {
	b.t.Helper()
	mark := fmt.Sprintf(`(() => { for (const e of document.querySelectorAll("main a, main button, nav a")) {
		if (e.innerText.trim().startsWith(%q)) { e.setAttribute("data-clicked", "now"); window.before = true; return true } } return false })()`, words)
	b.until("something to click: "+words, mark)
	b.do("click "+words, chromedp.Click(chromedp.CSS(`[data-clicked="now"]`)))
	b.until("the page after "+words, `!window.before && document.readyState === "complete"`)
}

// tabTo presses Tab until what has the focus has a text that begins with words, and then Enter.
func (b *browser) tabTo(words string) {
	b.t.Helper()
	for range 60 {
		b.do("Tab", chromedp.KeyEvent("\t"))
		if b.is(fmt.Sprintf(`document.activeElement.innerText?.trim().startsWith(%q) ?? false`, words)) {
			if !b.is(`getComputedStyle(document.activeElement).outlineStyle !== "none"`) {
				b.t.Errorf("%q has the focus, and does not show it", words)
			}
			b.do("Enter", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
				_, err := chromedp.Evaluate[bool]("window.before = true")(ctx, t)
				return err
			}), chromedp.KeyEvent("\r"))
			b.until("the page after "+words, `!window.before && document.readyState === "complete"`)
			return
		}
	}
	b.t.Fatalf("the Tab key never comes to %q", words)
}

func (b *browser) viewport(width, height int64) {
	b.t.Helper()
	b.do("viewport", chromedp.EmulateViewport(width, height))
}

// maxPicture bounds what a picture adds to the repository, in bytes.
const maxPicture = 150 << 10

// picture takes a picture for the docs, when a folder for them is named.
func (b *browser) picture(name string) {
	b.t.Helper()
	folder := os.Getenv("VOLLEY_SCREENSHOTS")
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil || len(png) > maxPicture || !strings.HasPrefix(string(png), "\x89PNG") {
		b.t.Fatalf("picture %s of %d bytes: %v", name, len(png), err)
	}
	if folder == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// mark leaves a mark on the page that is gone when it is loaded again.
func mark() chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Evaluate[bool]("window.marked = true")(ctx, t)
		return err
	})
}

func typed(css, text string) chromedp.Action[chromedp.Void] {
	return chromedp.SendKeys(chromedp.CSS(css), text)
}
