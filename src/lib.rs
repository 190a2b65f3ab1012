//! zonec compiles network zone models.
