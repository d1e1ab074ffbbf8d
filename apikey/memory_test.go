package apikey_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cardea-go/auth/apikey"
	"github.com/cardea-go/auth/authtest"
)

func TestMemoryStoreKeepsTheContractOfStores(t *testing.T) {
	authtest.TestAPIKeyStore(t, authtest.APIKeyStoreKit{
		New: func() (apikey.Store, error) { return apikey.NewMemoryStore(apikey.MemoryConfig{}), nil },
	})
}

func TestMemoryStoreHoldsNoMoreThanItsBound(t *testing.T) {
	s := apikey.NewMemoryStore(apikey.MemoryConfig{MaxKeys: 3})
	for i := range 3 {
		if err := s.Create(t.Context(), &apikey.Record{ID: fmt.Sprint(i), Subject: "s", Version: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Create(t.Context(), &apikey.Record{ID: "3", Subject: "s", Version: 1}); !errors.Is(err, apikey.ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	old := &apikey.Record{ID: "0", Subject: "s", Version: 1}
	if err := s.Rotate(t.Context(), old, &apikey.Record{ID: "4", Subject: "s", Version: 1}); !errors.Is(err, apikey.ErrFull) {
		t.Errorf("got %v from Rotate, want ErrFull", err)
	}
	if n, err := s.DeleteExpired(t.Context(), time.Now(), 1); n != 1 || err != nil {
		t.Fatalf("got %d, %v, want 1", n, err)
	}
	if err := s.Create(t.Context(), &apikey.Record{ID: "3", Subject: "s", Version: 1}); err != nil {
		t.Errorf("got %v after room was made, want success", err)
	}
}
