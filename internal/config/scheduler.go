package config

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Scheduler is what `volley scheduler` needs to find the recipients of recurring sends.
type Scheduler struct {
	// Files is the folder below which schedules may name files; the configuration's own folder unless set.
	Files string
	// Secrets sign the requests to endpoints, by the names that schedules use.
	Secrets map[string]Secret
	// AllowPrivate are networks whose addresses endpoints may have although they are not public; none unless set.
	AllowPrivate []netip.Prefix
}

func (r *reader) scheduler(top *section) Scheduler {
	s := top.sub("scheduler", "files", "secrets", "allow_private")
	folder := filepath.Dir(r.file)
	out := Scheduler{Files: s.text("files")}
	if !filepath.IsAbs(out.Files) {
		out.Files = filepath.Join(folder, out.Files)
	}
	if n, line := s.child("secrets"); n != nil {
		out.Secrets = r.secrets(n, line, "scheduler.secrets")
	}
	n, line := s.child("allow_private")
	if n == nil {
		return out
	}
	list := resolve(n)
	if list.Kind != yaml.SequenceNode {
		r.problem(line, "scheduler.allow_private", "must be a list of networks, such as [10.0.0.0/8, 127.0.0.1/32]")
		return out
	}
	for _, item := range list.Content {
		text, _, ok := r.scalar(item, item.Line, "scheduler.allow_private")
		if !ok {
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			r.problem(item.Line, "scheduler.allow_private", "must be a list of networks, such as [10.0.0.0/8, 127.0.0.1/32]")
			continue
		}
		out.AllowPrivate = append(out.AllowPrivate, p.Masked())
	}
	return out
}

// secrets returns secrets under names of the user's own.
func (r *reader) secrets(n *yaml.Node, line int, path string) map[string]Secret {
	var names, keys []string
	for _, e := range (&reader{file: r.file, getenv: r.getenv}).entries(n, line, path) {
		keys = append(keys, e.key)
		if name := strings.TrimSuffix(e.key, fileSuffix); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	s := r.section(n, line, path, path, keys)
	out := map[string]Secret{}
	for _, name := range names {
		s.require(name, true)
		out[name] = s.secret(name)
	}
	return out
}
