package mgage

import "bytes"

// readLines reads lines such as "12135551234: 0: Request accepted", and `112: "Too many numbers"` for a whole request.
// A line without a number counts only when every other line is one that counts: a page of words is no answer.
func readLines(body []byte) []block {
	var found []block
	numbered, strange := false, false
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		b, ok := readLine(line, last(found))
		if !ok {
			strange = true
			continue
		}
		numbered = numbered || b.number != 0
		found = append(found, b)
	}
	if strange && !numbered {
		return nil
	}
	return found
}

// readLine takes the first run of 7 to 15 digits as the number and the first other integer that is a known code as the
// status. Without a number, the status must begin the line. before is the block before it, as in parts.done.
func readLine(line []byte, before *block) (block, bool) {
	b := block{code: -1}
	rest := line
	for pos := 0; pos < len(line); {
		if !isDigit(line[pos]) {
			pos++
			continue
		}
		start := pos
		for pos < len(line) && isDigit(line[pos]) {
			pos++
		}
		run := line[start:pos]
		if n := parseNumber(run); n != 0 && b.number == 0 {
			b.number = n
			continue
		}
		if code, ok := parseCode(run); ok && b.code < 0 && known(code) {
			b.code, rest = code, line[pos:]
		}
	}
	if b.number == 0 {
		code, ok := parseCode(line)
		if !ok {
			return block{}, false
		}
		b.code = code
		_, rest, _ = bytes.Cut(line, []byte(":"))
	}
	p := parts{number: b.number, code: b.code, text: bytes.Trim(rest, " \t:\"“”")}
	b, _ = p.done(before)
	return b, true
}
