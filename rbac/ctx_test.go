package rbac_test

import "context"

type ctx = context.Context
