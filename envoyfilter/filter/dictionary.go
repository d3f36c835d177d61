package filter

import "strings"

// validDictionary reports whether text is a structured-field dictionary whose
// values are strings, which is all that Reporting-Endpoints can use (RFC 9651
// 3.2; Reporting API 3.2). Parameters and other values are held malformed:
// browsers ignore such members, or the whole.
func validDictionary(text string) bool {
	for {
		text = strings.TrimLeft(text, " \t")
		key, rest, ok := strings.Cut(text, "=")
		if !ok || !validKey(key) {
			return false
		}
		if rest, ok = quoted(rest); !ok {
			return false
		}
		if rest = strings.TrimLeft(rest, " \t"); rest == "" {
			return true
		}
		if rest[0] != ',' {
			return false
		}
		text = rest[1:]
	}
}

func validKey(key string) bool {
	const first, others = "abcdefghijklmnopqrstuvwxyz*", "abcdefghijklmnopqrstuvwxyz0123456789_-.*"
	return key != "" && strings.Contains(first, key[:1]) && strings.Trim(key, others) == ""
}

// quoted returns what follows a string (RFC 9651 3.3.3).
func quoted(text string) (rest string, ok bool) {
	if text == "" || text[0] != '"' {
		return "", false
	}
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return text[i+1:], true
		case c == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
		case c == '\\', c < ' ', c > '~':
			return "", false
		}
	}
	return "", false
}
