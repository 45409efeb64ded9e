package torana

import (
	"errors"
	"time"

	"torana/internal/abi"
)

// KV keeps values that outlive requests and are shared by all instances of all plugins that are granted the same store.
// It needs the grant `kv`. Times to live are counted in milliseconds; 0 is for ever.
var KV store

type store struct{}

// Why the store has not done what it was asked for, beside [ErrTooLarge]: a key has more than 256 bytes, or a value more
// than 64 KiB. Errors of [KV] wrap one of these.
var (
	ErrQuota       = errors.New("the store's quota is used up")
	ErrNotACounter = errors.New("the value is no counter")
	ErrUnavailable = errors.New("the store does not answer")
)

// Get gives the value of a key; says whether there is one.
func (store) Get(key string) ([]byte, bool, error) {
	value, found, failure, reason := abi.KVGet(key)
	return value, found, failed(failure, reason)
}

// Set keeps a value.
func (store) Set(key string, value []byte, ttl time.Duration) error {
	return failed(abi.KVSet(key, value, milliseconds(ttl)))
}

// SetIfAbsent keeps a value only if there is none; says whether it did.
func (store) SetIfAbsent(key string, value []byte, ttl time.Duration) (bool, error) {
	done, failure, reason := abi.KVSetIfAbsent(key, value, milliseconds(ttl))
	return done, failed(failure, reason)
}

// Delete says whether there was a value.
func (store) Delete(key string) (bool, error) {
	done, failure, reason := abi.KVDelete(key)
	return done, failed(failure, reason)
}

// Add adds to a counter, which begins at zero, and gives the sum. The time to live counts from the counter's first use.
func (store) Add(key string, by int64, ttl time.Duration) (int64, error) {
	sum, failure, reason := abi.KVAdd(key, by, milliseconds(ttl))
	return sum, failed(failure, reason)
}

// milliseconds rounds up: a short time is not for ever.
func milliseconds(ttl time.Duration) uint64 {
	return uint64(max(0, (ttl+time.Millisecond-1)/time.Millisecond))
}

func failed(failure abi.KVFailure, reason string) error {
	switch failure {
	case abi.KVOk:
		return nil
	case abi.KVTooLarge:
		return ErrTooLarge
	case abi.KVQuota:
		return ErrQuota
	case abi.KVNotACounter:
		return ErrNotACounter
	default:
		return because(ErrUnavailable, reason)
	}
}
