/*
 * rehearse.c - what no look at the host can tell, tried: plan_try(). Runs in the calling process.
 *
