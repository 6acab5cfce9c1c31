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
	out.AllowPrivate = s.prefixes("allow_private")
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
