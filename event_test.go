package auth_test

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/cardea-go/auth"
)

func TestLogObserver(t *testing.T) {
	for _, tt := range []struct {
		name  string
		event auth.Event
		level slog.Level
	}{
		{"allowed", auth.Event{Outcome: auth.OutcomeAllowed, Subject: "alice", Unread: []string{"cookie"}, InURL: true}, slog.LevelDebug},
		{"anonymous", auth.Event{Outcome: auth.OutcomeAnonymous, Foreign: "Basic"}, slog.LevelDebug},
		{"refused", auth.Event{Outcome: auth.OutcomeRefused, Kind: auth.KindInvalid, Reason: auth.ReasonExpired, Status: 401, Concealed: true}, slog.LevelInfo},
		{"unavailable", auth.Event{Outcome: auth.OutcomeRefused, Kind: auth.KindUnavailable}, slog.LevelError},
		{"panicked", auth.Event{Outcome: auth.OutcomePanicked}, slog.LevelError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			l := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
			auth.Observers(nil, auth.NewLogObserver(l)).Observe(t.Context(), tt.event)
			got := out.String()
			if !strings.Contains(got, "level="+tt.level.String()) || !strings.Contains(got, "outcome="+string(tt.event.Outcome)) || strings.Contains(got, `=""`) {
				t.Errorf("got %q, want level %s and no empty attribute", got, tt.level)
			}
			if tt.event.LogValue().Kind() != slog.KindGroup {
				t.Error("the event is no group of attributes")
			}
		})
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	auth.NewLogObserver(quiet).Observe(t.Context(), auth.Event{Outcome: auth.OutcomeAllowed})
	defer func() {
		if recover() == nil {
			t.Error("got no panic for a nil logger")
		}
	}()
	auth.NewLogObserver(nil)
}
