package httpapi

import (
	"errors"
	"fmt"
)

// Problem is one thing that is wrong with Options.
type Problem struct {
	// Key is the option as it stands in the configuration, such as "answer.classify[0].path".
	Key string
	// Line is the line within a template, from 1; 0 is the option as a whole.
	Line int
	// Text says what is wrong and what to do. It holds no value that may be a secret.
	Text string
}

// Error returns "request.json, line 3: has no field .Too; …".
func (p *Problem) Error() string {
	if p.Line > 1 {
		return fmt.Sprintf("%s, line %d: %s", p.Key, p.Line, p.Text)
	}
	return p.Key + ": " + p.Text
}

func joined(problems []*Problem) error {
	errs := make([]error, len(problems))
	for i, p := range problems {
		errs[i] = fmt.Errorf("%s: %w", Name, p)
	}
	return errors.Join(errs...)
}

// Problems returns all that is wrong with o, nil when New takes it.
func (o Options) Problems() []*Problem {
	_, problems := build(o)
	return problems
}
