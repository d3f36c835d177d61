package admin

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/edgecsp/edgecsp/collector/store"
)

const (
	// TokenLife is how long a one-time link opens the dashboard.
	TokenLife = time.Hour
	// SessionLife is how long a login lasts.
	SessionLife = 12 * time.Hour

	secretSize = 32 // bytes of a token or a session cookie
	maxForm    = 4 << 10
	cookieName = "edgecsp_session"
)

// LoginLink makes a one-time link to log in with, good for TokenLife, at a
// private listener's address. Only the token's hash is kept.
func (a *Admin) LoginLink(ctx context.Context, addr string) (string, error) {
	return NewLoginLink(ctx, a.Store, a.Rand, a.Now(), addr, a.Base)
}

// NewLoginLink is Admin.LoginLink for those who have no Admin.
func NewLoginLink(ctx context.Context, logins store.Logins, rand io.Reader, now time.Time, addr, base string) (string, error) {
	token, err := newSecret(rand)
	if err != nil {
		return "", err
	}
	if err := logins.AddLoginToken(ctx, store.HashOf(token), now.Add(TokenLife)); err != nil {
		return "", fmt.Errorf("keep the login token: %w", err)
	}
	u := url.URL{Scheme: "http", Host: reachable(addr), Path: base + "/admin/login", RawQuery: "token=" + token}
	return u.String(), nil
}

// reachable turns a listener's address into one that a browser on the same
// machine can open.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func newSecret(rand io.Reader) (string, error) {
	b := make([]byte, secretSize)
	if _, err := io.ReadFull(rand, b); err != nil {
		return "", fmt.Errorf("read randomness: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

type loginData struct {
	Frame
	Token  string // "" where the page was opened without one
	Failed bool   // the token was not valid
}

// loginPage shows a button. It does not use the token up: links are also opened
// by what only looks at them, such as chat programs' previews.
func (a *Admin) loginPage(w http.ResponseWriter, r *http.Request) {
	a.render(w, http.StatusOK, loginTemplate, loginData{Frame: a.frame("Log in", r, ""), Token: r.URL.Query().Get("token")})
}

func (a *Admin) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	cookie, err := newSecret(a.Rand)
	if err != nil {
		a.fail(w, "log in", err)
		return
	}
	now := a.Now()
	err = a.Store.Login(r.Context(), store.HashOf(r.PostFormValue("token")), store.HashOf(cookie), now, now.Add(SessionLife))
	if errors.Is(err, store.ErrNotFound) {
		a.render(w, http.StatusForbidden, loginTemplate, loginData{Frame: a.frame("Log in", r, ""), Failed: true})
		return
	}
	if err != nil {
		a.fail(w, "log in", err)
		return
	}
	a.setCookie(w, r, cookie, int(SessionLife.Seconds()))
	http.Redirect(w, r, a.root+"/", http.StatusSeeOther)
}

func (a *Admin) logout(w http.ResponseWriter, r *http.Request) {
	if err := a.Store.Logout(r.Context(), cookieHash(r)); err != nil {
		a.fail(w, "log out", err)
		return
	}
	a.setCookie(w, r, "", -1)
	http.Redirect(w, r, a.root+"/login", http.StatusSeeOther)
}

func (a *Admin) setCookie(w http.ResponseWriter, r *http.Request, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: value, Path: a.root, MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
		// A proxy may end TLS before us. Whoever forges the header only makes
		// their own cookie stricter.
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
}

func cookieHash(r *http.Request) store.Hash {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return store.HashOf("") // no session has an empty cookie
	}
	return store.HashOf(c.Value)
}

func (a *Admin) requireLogin(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := a.Store.Session(r.Context(), cookieHash(r), a.Now())
		switch {
		case errors.Is(err, store.ErrNotFound):
			http.Redirect(w, r, a.root+"/login", http.StatusSeeOther)
		case err != nil:
			a.fail(w, "look up the session", err)
		default:
			next(w, r)
		}
	})
}
