"""The screens of the interface. They ask ``actions`` for everything and do no I/O of their own."""
