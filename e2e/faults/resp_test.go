package faults_test

import (
	"bufio"
	"errors"
	"io"
	"strconv"
)

var errRESP = errors.New("this is not RESP")

// readCommand reads a command: an array of bulk strings.
func readCommand(r *bufio.Reader) (args []string, err error) {
	n, err := readHead(r, '*')
	if err != nil {
		return nil, err
	}
	args = make([]string, n)
	for i := range args {
		size, err := readHead(r, '$')
		if err != nil {
			return nil, err
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		args[i] = string(b[:size])
	}
	return args, nil
}

func readHead(r *bufio.Reader, kind byte) (int, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 4 || line[0] != kind {
		return 0, errRESP
	}
	return strconv.Atoi(string(line[1 : len(line)-2]))
}

// appendCommand is the inverse of readCommand.
func appendCommand(b []byte, args []string) []byte {
	b = append(strconv.AppendInt(append(b, '*'), int64(len(args)), 10), "\r\n"...)
	for _, a := range args {
		b = append(strconv.AppendInt(append(b, '$'), int64(len(a)), 10), "\r\n"...)
		b = append(append(b, a...), "\r\n"...)
	}
	return b
}

// readReply appends one whole reply to b.
func readReply(r *bufio.Reader, b []byte) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return b, err
	}
	if len(line) < 3 {
		return b, errRESP
	}
	kind := line[0]
	b = append(b, line...)
	n := 0
	if kind == '$' || kind == '=' || kind == '*' || kind == '~' || kind == '>' || kind == '%' {
		if n, err = strconv.Atoi(string(line[1 : len(line)-2])); err != nil {
			return b, errRESP
		}
	}
	switch kind {
	case '%':
		n *= 2
	case '$', '=':
		if n < 0 {
			return b, nil
		}
		at := len(b)
		b = append(b, make([]byte, n+2)...)
		_, err = io.ReadFull(r, b[at:])
		return b, err
	}
	for range n {
		if b, err = readReply(r, b); err != nil {
			return b, err
		}
	}
	return b, nil
}
