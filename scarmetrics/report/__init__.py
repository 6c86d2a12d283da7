"""Pages for reviewers, made from what a run left in OUT; nothing is measured."""
