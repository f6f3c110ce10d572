//go:build !race

package gateway

const simulations = 40
