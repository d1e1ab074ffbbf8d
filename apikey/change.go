package apikey

import (
	"context"
	"log/slog"
	"time"
)

// Action is what happened to a key.
type Action string

// The actions.
const (
	ActionCreated  Action = "created"
	ActionImported Action = "imported"
	ActionRotated  Action = "rotated"
	ActionRevoked  Action = "revoked"
	ActionDisabled Action = "disabled"
	ActionEnabled  Action = "enabled"
	ActionUpgraded Action = "upgraded" // its digest was made anew with the current pepper
	ActionEnded    Action = "ended"    // its overlap was cut short by a second rotation
)

// A Change is one change of a key, for audit. It holds no secret.
type Change struct {
	Time   time.Time
	Action Action
	// ID and Family are the key's; for a rotation the old key's.
	ID, Family string
	// Successor is the id of the new key of a rotation.
	Successor string
	// Issuer and Subject are those of the key.
	Issuer, Subject string
	// By names the party that asked, as [Record.CreatedBy] does; "" is the service itself.
	By string
	// Reason is that of a revocation.
	Reason string
}

// LogValue returns the change's attributes without those that are empty.
func (c Change) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("action", string(c.Action)), slog.String("key", c.ID), slog.String("family", c.Family)}
	for _, a := range [...]slog.Attr{
		slog.String("successor", c.Successor), slog.String("issuer", c.Issuer), slog.String("subject", c.Subject),
		slog.String("by", c.By), slog.String("reason", c.Reason),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	return slog.GroupValue(attrs...)
}

// changed reports a change that the store has acknowledged.
func (k *Keys) changed(ctx context.Context, action Action, r *Record, by string) {
	if k.c.OnChange == nil {
		return
	}
	c := Change{
		Time: k.now(), Action: action, ID: r.ID, Family: r.Family,
		Issuer: r.Issuer, Subject: r.Subject, By: by,
	}
	if action == ActionRotated {
		c.Successor = r.RotatedTo
	}
	if action == ActionRevoked {
		c.Reason = r.RevokedReason
	}
	k.c.OnChange(ctx, c)
}
