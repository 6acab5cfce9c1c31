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

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// patience is how long something on a page is waited for; it is never waited for when things are well.
const patience = time.Minute

// browser is a tab of a headless Chromium. Its methods fail the test when what they do can't be done.
type browser struct {
	t     *testing.T
	ctx   context.Context
	base  string
	taken []string // the names of the pictures
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
	b := &browser{t: t, ctx: ctx, base: base}
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

func (b *browser) dark(on bool) {
	b.t.Helper()
	value := "light"
	if on {
		value = "dark"
	}
	b.do("dark", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}},
		})
		return err
	}))
}

func (b *browser) scripts(on bool) {
	b.t.Helper()
	b.do("scripts", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	}))
}

// unreadable lists the texts on a page whose contrast with what is behind them is below what WCAG 2.2 asks for at level AA.
const unreadable = `(() => {
	const rgba = (c) => { const m = c.match(/[\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1] };
	const over = (a, b) => [0, 1, 2].map((i) => a[i] * a[3] + b[i] * (1 - a[3]));
	const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b };
	const found = new Set();
	for (const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); walk.nextNode();) {
		const e = walk.currentNode.parentElement, style = getComputedStyle(e);
		if (!walk.currentNode.data.trim() || e.closest("noscript, script, .sr, .skip") || !e.checkVisibility()) continue;
		const behind = []; let opacity = 1;
		for (let p = e; p; p = p.parentElement) { behind.unshift(rgba(getComputedStyle(p).backgroundColor)); opacity *= getComputedStyle(p).opacity }
		const back = behind.reduce((under, c) => over(c, under), [255, 255, 255]);
		const ink = rgba(style.color), front = over([...ink.slice(0, 3), ink[3] * opacity], back);
		const [a, b] = [light(front), light(back)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
		const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
		if (ratio < (large ? 3 : 4.5)) found.add(walk.currentNode.data.trim().slice(0, 30) + " " + ratio.toFixed(2));
	}
	return [...found].join("; ");
})()`

// readable fails the test when a text of the page is hard to tell from what is behind it.
func (b *browser) readable(page string) {
	b.t.Helper()
	if found := b.ask(unreadable); found != "" {
		b.t.Errorf("%s has texts with too little contrast: %s", page, found)
	}
}

// maxPicture bounds what a picture adds to the repository, in bytes.
const maxPicture = 150 << 10

// picture takes a picture for the docs, when a folder for them is named.
func (b *browser) picture(name string) {
	b.t.Helper()
	b.taken = append(b.taken, name)
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

func pressed(css string) chromedp.Action[chromedp.Void] { return chromedp.Click(chromedp.CSS(css)) }

func tab() chromedp.Action[chromedp.Void] { return chromedp.KeyEvent("\t") }
