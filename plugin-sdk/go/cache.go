package torana

import (
	"errors"
	"time"

	"torana/internal/abi"
)

// Cache is for values that are costly to make, such as a token of an identity provider: one hook makes the value while
// all others that want it wait for it, whichever plugin they are of. The values are those of [KV]: the same store with the
// same limits, under the same grant `kv`. Waiting does not count to the plugin's time limit and holds up nobody else.
var Cache cache

type cache struct{}

// ErrTooManyClaims is why there is neither a value nor a claim, beside [ErrTimeout], [ErrTooLarge], [ErrQuota] and
// [ErrUnavailable]. Errors of [Cache] wrap one of these.
var ErrTooManyClaims = errors.New("the hook has claimed 16 keys already that had no value")

// GetOrMake gives the value of a key. If there is none, it is made, and kept for its time to live, while all others wait
// for up to a second; if that fails, the next of them makes the value. A time to live of 0 is for ever.
func (c cache) GetOrMake(key string, made func() (value []byte, ttl time.Duration, err error)) ([]byte, error) {
	value, found, err := c.Claim(key, 0)
	if found || err != nil {
		return value, err
	}
	// In a component a hook that panics is over, and its claims are.
	value, ttl, err := made()
	if err != nil {
		c.Release(key)
		return nil, err
	}
	if err := c.Keep(key, value, ttl); err != nil {
		return nil, err
	}
	return value, nil
}

// Claim gives the value of a key. If there is none, this hook is the one that makes it, until it calls [cache.Keep] or
// [cache.Release] or is over, for 30 seconds at most. While another hook has the claim, it waits: for a second where
// `wait` is 0, and at most 30 seconds.
func (cache) Claim(key string, wait time.Duration) (value []byte, found bool, err error) {
	value, found, failure, reason := abi.CacheClaim(key, uint32(min(milliseconds(wait), 1<<32-1)))
	return value, found, notMade(failure, reason)
}

// Keep keeps a value and ends the claim: all that wait get the value. The claim also ends with an error.
func (cache) Keep(key string, value []byte, ttl time.Duration) error {
	return notMade(abi.CacheKeep(key, value, milliseconds(ttl)))
}

// Release gives the claim up: the next one that waits gets it.
func (cache) Release(key string) { abi.CacheRelease(key) }

func notMade(failure abi.CacheFailure, reason string) error {
	switch failure {
	case abi.CacheOk:
		return nil
	case abi.CacheTooLarge:
		return ErrTooLarge
	case abi.CacheQuota:
		return ErrQuota
	case abi.CacheTooMany:
		return ErrTooManyClaims
	case abi.CacheTimeout:
		return ErrTimeout
	default:
		return because(ErrUnavailable, reason)
	}
}
